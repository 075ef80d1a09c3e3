/** Records what hub and spoke of this version send each other: `make record-wire`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { recordWire } from './record-wire.ts';
import { currentVersion, wireFolder } from './wire-folder.ts';

const changes = readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8');

if (changes.includes(`\n## ${currentVersion}`)) {
  process.stderr.write(`Fleets have ${currentVersion}: its recording stays. Raise the version first.\n`);
  process.exitCode = 1;
} else {
  const folder = wireFolder(currentVersion);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of await recordWire()) writeFileSync(new URL(`${name}.yaml`, folder), text);
  process.stdout.write(`e2e/wire/${currentVersion} is written; read the difference before you commit it.\n`);
}
