import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { SigningPair } from '@kmm-fleet/images';
import { testPair } from '@kmm-fleet/images/testing';
import { allOver, type Guest, HOST, runCommand } from '@kmm-fleet/lab';
import { LOADER_SCENARIOS } from '../loader/loader-scenarios.ts';
import { outcomeOf } from '../loader/outcome.ts';
import {
  type LoaderOutcome,
  type LoaderScenario,
  type LoaderStep,
  modulePath,
  otherFiles,
  stepCommand,
} from '../loader/scenario.ts';
import { treatModule } from '../loader/treat-module.ts';
import type { LoadersSeen } from '../loader.contract.ts';
import type { TestModules } from './test-modules.ts';

/** What scenarios are played with. */
export interface GuestLoaders {
  readonly modules: TestModules;
  /** Of the kernel that they were built for, which both machines run. */
  readonly release: string;
  readonly machines: Readonly<Record<LoaderScenario['node'], Guest>>;
  /** The key that the machine with Secure Boot trusts. */
  readonly trusted: SigningPair;
  /** For files. */
  readonly directory: string;
}

const FOLDER = '/scenarios';
/** Between what a machine says of one step and of the next; no line of it looks so. */
const MARK = '=====';

/** Plays all scenarios on the machines, in the file system that their loaders' images are made of. */
export async function playOnGuests(loaders: GuestLoaders): Promise<LoadersSeen> {
  const folder = mkdtempSync(join(loaders.directory, 'scenarios-'));
  for (const [index, scenario] of LOADER_SCENARIOS.entries())
    await stage(join(folder, String(index)), scenario, loaders);
  const archive = join(loaders.directory, 'scenarios.tar');
  await runCommand('tar', ['-cf', archive, '-C', folder, '.']);
  await hand(archive, Object.values(loaders.machines));
  const outcomes = new Map<LoaderScenario, LoaderOutcome[]>();
  const playAll = async (node: LoaderScenario['node']) => {
    for (const [index, scenario] of LOADER_SCENARIOS.entries()) {
      if (scenario.node !== node) continue;
      const { output } = await loaders.machines[node].run(`sh ${FOLDER}/${index}/play 2>/dev/null`);
      outcomes.set(scenario, output.split(`${MARK} step\n`).slice(1).map(readStep));
    }
  };
  await allOver([playAll('plain'), playAll('secure')]);
  return { release: loaders.release, outcomes };
}

/** Other versions of Linux give other checksums to what all modules use. */
export function ageModule(plain: Uint8Array): Uint8Array {
  const bytes = Buffer.from(plain);
  const at = bytes.indexOf('module_layout\0');
  if (at < 8) throw new RangeError('the module has no checksums of symbols');
  bytes.writeUInt32LE((bytes.readUInt32LE(at - 8) ^ 1) >>> 0, at - 8);
  return bytes;
}

async function stage(folder: string, scenario: LoaderScenario, loaders: GuestLoaders): Promise<void> {
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const signers = { trusted: loaders.trusted, foreign: testPair('stranger') };
  for (const path of ['opt/lib', 'firmware', 'etc/modprobe.d'])
    mkdirSync(join(folder, path), { recursive: true });
  for (const [name, treatment] of Object.entries(scenario.modules)) {
    const file = treatModule(loaders.modules.file(name), treatment, signers, ageModule);
    write(modulePath(scenario, name, loaders.release), file);
  }
  for (const [path, text] of Object.entries(otherFiles(scenario))) write(path, text);
  const opt = join(folder, 'opt');
  // It complains of what is no module, and goes on.
  if (!scenario.isWithoutDepmod)
    await runCommand('sh', [
      '-c',
      'depmod -b "$1" "$2" 2>&1 || true',
      'depmod',
      opt,
      scenario.folder ?? loaders.release,
    ]);
  for (const [index, step] of scenario.steps.entries())
    write(`step-${index}`, stepCommand(step, scenario, loaders.release) ?? deviceCommand(step));
  write('mark', `${MARK}\n`);
  write('play', PLAY);
}

/** The device is open, or closed, when the kernel says so. */
const deviceCommand = ({ device }: LoaderStep): string =>
  device === 'opened'
    ? `sleep 900 </dev/kmm_e2e >/dev/null 2>&1 & echo $! >/tmp/holder; ${untilUsers(1)}`
    : `kill "$(cat /tmp/holder)"; ${untilUsers(0)}`;

const untilUsers = (users: number) =>
  `for again in $(seq 50); do grep -q '^kmm_e2e_user [0-9]* ${users} ' /proc/modules && break; sleep 0.1; done`;

/**
 * Puts the scenario's image in its place, takes its steps, tells of each, and leaves nothing behind. Hooks are run by the
 * shell and the programs of loaders' images, the rest by those of the machine, which start sooner.
 */
const PLAY = `cd "$(dirname "$0")"
for place in opt firmware etc/modprobe.d; do rm -rf "/$place"; ln -s "$PWD/$place" "/$place"; done
: >/dev/termination-log
dmesg -c >/dev/null
for step in step-*; do
  echo '${MARK} step'
  /bin/sh -c "$(cat "$step")"
  echo "${MARK} $?"
  cat /dev/termination-log mark /proc/modules mark
  dmesg -c
done
rm -f /var/lib/firmware/kmm-e2e*
for again in 1 2 3; do
  left=$(sed -n 's/^\\(kmm_e2e_[a-z]*\\|dummy\\) .*/\\1/p' /proc/modules)
  [ -n "$left" ] || break
  for module in $left; do rmmod "$module"; done
done
`;

function readStep(text: string): LoaderOutcome {
  const [, stdout = '', code = '', words = '', modules = '', log = ''] =
    new RegExp(`^(.*?)${MARK} (\\d+)\n(.*?)${MARK}\n(.*?)${MARK}\n(.*)$`, 's').exec(`${text}\n`) ?? [];
  if (code === '') throw new Error(`a step that was not told to its end: ${text.slice(-500)}`);
  return outcomeOf({ code: Number(code), stdout, words, modules, log: log.split('\n').filter(Boolean) });
}

/** Machines reach the host by one address; nobody else reaches this server. */
async function hand(archive: string, machines: readonly Guest[]): Promise<void> {
  const server = createServer((_request, response) => void response.end(readFileSync(archive)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fetch = `mkdir -p ${FOLDER} && wget -q -O - http://${HOST}:${port}/ | tar -xf - -C ${FOLDER}`;
  try {
    for (const machine of machines) {
      const { code, output } = await machine.run(fetch);
      if (code !== 0) throw new Error(`${machine.name} did not get the scenarios: ${output}`);
    }
  } finally {
    server.close();
  }
}
