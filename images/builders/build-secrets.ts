import { AppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';
import type { BuildSecret } from './builder.ts';

/** Names become paths and a mount's text. Kubernetes gives no others than these; a path in them would be an attack. */
export function refuseOddNames(secrets: readonly BuildSecret[]): void {
  const names = secrets.flatMap(({ name, files }) => [name, ...Object.keys(files)]);
  const odd = names.find((name) => !/^[-._a-zA-Z0-9]+$/.test(name) || name === '.' || name === '..');
  if (odd !== undefined)
    throw new AppError('BUILD_FAILED', `A build secret or one of its keys is named "${plainText(odd)}".`);
}
