// sign-large.ts SOURCE TARGET CA: signs an image as the hub does, and prints the most memory that it had, in KiB.
import { readFileSync } from 'node:fs';
import { createRegistry, createRegistryTransport, signImage } from '@kmm-fleet/images';
import { testPair } from '@kmm-fleet/images/testing';
import { systemClock as clock, systemRandom as random } from '@kmm-fleet/runtime';

const [source = '', target = '', caFile = ''] = process.argv.slice(2);
const registry = createRegistry({
  transport: createRegistryTransport(readFileSync(caFile, 'utf8')),
  clock,
  random,
});
const access = { dockerConfig: process.env['DOCKER_CONFIG_JSON'] };
await signImage(registry, {
  source,
  target,
  sourceAccess: access,
  targetAccess: access,
  files: [],
  pair: testPair('rsa'),
  labels: {},
});
// Not getrusage: its peak is also that of the process that started this one.
process.stdout.write(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '');
process.exit(0);
