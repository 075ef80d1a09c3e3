import { tmpdir } from 'node:os';
import { makeMortalFolder, removeFolder } from '@kmm-fleet/lab';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Gives this process and its children a temporary folder of their own, which goes when the process ends, by a signal
 * too; what SIGKILL leaves goes at the next start. Its name is short, as paths of UNIX sockets below it must be.
 */
export function makeTemporaryFolder(): string {
  const folder = makeMortalFolder(tmpdir(), 'kmm-run');
  process.env['TMPDIR'] = folder;
  process.once('exit', () => removeFolder(folder));
  for (const [signal, code] of Object.entries(SIGNALS)) process.once(signal, () => process.exit(code));
  return folder;
}
