import { counted } from '@kmm-fleet/api';
import { plainText, type VerifiedModule } from '@kmm-fleet/images';
import { table } from '../output/table.ts';
import { type Paint, paintState } from '../output/terminal.ts';

/** A line per module with the verdict on its signature, then the sum. Pure. */
export function renderVerify(modules: readonly VerifiedModule[], paint: Paint): string {
  const rows = modules.map(({ path, verdict, hash, keyId, reason }) => [
    plainText(path),
    paintState(paint, verdict, verdict === 'ok' ? 'ok' : 'error'),
    hash ?? '-',
    keyId || '-',
    reason,
  ]);
  const good = modules.filter(({ verdict }) => verdict === 'ok').length;
  const sum = `${good} of ${counted(modules.length, 'module is', 'modules are')} signed by a trusted certificate.`;
  return [table(['MODULE', 'VERDICT', 'HASH', 'KEY', 'REASON'], rows), '', sum].join('\n');
}
