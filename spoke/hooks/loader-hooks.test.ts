import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoaderRecipe, Modprobe } from '@kmm-fleet/api';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  loadArguments,
  postStartCommand,
  preStopCommand,
  softdepConfig,
  unloadArguments,
} from './loader-hooks.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kmm-hooks-'));
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'sys'));
  mkdirSync(join(root, 'host'));
  // Writes down its arguments, one line each call; fails for what it is told to.
  const modprobe = `#!/bin/sh
printf '[%s]' "$@" >>${root}/calls; printf '\\n' >>${root}/calls
for word; do [ "$word" = "$FAIL" ] && { echo "modprobe: FATAL: $word" >&2; exit 1; }; done
exit 0
`;
  writeFileSync(join(root, 'bin/modprobe'), modprobe);
  chmodSync(join(root, 'bin/modprobe'), 0o755);
});
afterEach(() => rmSync(root, { recursive: true }));

const recipe = (modprobe: Partial<Modprobe>, inTreeModulesToRemove: string[] = []): LoaderRecipe => ({
  kernel: '6.1.0-1-amd64',
  image: 'registry/kmod',
  inTreeModulesToRemove,
  modprobe: { dirName: '/opt', moduleName: 'kmod', ...modprobe },
});

/** Runs a command as a container would, with the places outside of it moved below `root`. */
const sh = (command: string, fail = '') => {
  const script = command
    .replaceAll('/dev/termination-log', join(root, 'log'))
    .replaceAll('/var/lib/firmware', join(root, 'host'))
    .replaceAll('/sys/module', join(root, 'sys'));
  const path = `${join(root, 'bin')}:/usr/bin:/bin`;
  const env = { PATH: path, FAIL: fail };
  const { status, stdout: output } = spawnSync('/bin/sh', ['-c', script], { env, encoding: 'utf8' });
  const calls = existsSync(join(root, 'calls'))
    ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n')
    : [];
  return { status, output, calls, log: readFileSync(join(root, 'log'), 'utf8') };
};

it.each<{ name: string; modprobe: Partial<Modprobe>; load: string[]; unload: string[] }>([
  {
    name: 'the guide',
    modprobe: { parameters: ['a=1', 'b=two words'] },
    load: ['-v', '-d', '/opt', 'kmod', 'a=1', 'b=two words'],
    unload: ['-rv', '-d', '/opt', 'kmod'],
  },
  {
    name: 'args replace the flags, as in 1.x',
    modprobe: { args: { load: ['-q', '--force'], unload: ['-r'] } },
    load: ['-q', '--force', '-d', '/opt', 'kmod'],
    unload: ['-r', '-d', '/opt', 'kmod'],
  },
  {
    name: 'rawArgs are everything',
    modprobe: {
      moduleName: undefined,
      rawArgs: { load: ['-v', 'x'], unload: ['-r', 'x'] },
      parameters: ['no=1'],
    },
    load: ['-v', 'x'],
    unload: ['-r', 'x'],
  },
  {
    name: 'soft dependencies leave in one command',
    modprobe: { modulesLoadingOrder: ['kmod', 'dep'] },
    load: ['-v', '-d', '/opt', 'kmod'],
    unload: ['-rv', '-d', '/opt', 'kmod', 'dep'],
  },
  {
    name: 'no directory',
    modprobe: { dirName: '' },
    load: ['-v', 'kmod'],
    unload: ['-rv', 'kmod'],
  },
])('arguments: $name', ({ modprobe, load, unload }) => {
  expect(loadArguments(recipe(modprobe).modprobe)).toEqual(load);
  expect(unloadArguments(recipe(modprobe).modprobe)).toEqual(unload);
});

it('the documented command can be recognised', () => {
  expect(postStartCommand(recipe({ parameters: ['a=1'] }))).toContain('modprobe -v -d /opt kmod a=1');
  expect(preStopCommand(recipe({}))).toContain('modprobe -rv -d /opt kmod');
});

it('parameters reach modprobe as they are and run nothing', () => {
  const parameters = [`x=$(touch ${root}/pwned)`, "y='; touch pwned; '", 'z=a b'];
  const { status, calls } = sh(postStartCommand(recipe({ parameters })));
  expect(status).toBe(0);
  expect(calls).toEqual([`[-v][-d][/opt][kmod]${parameters.map((text) => `[${text}]`).join('')}`]);
  expect(existsSync(join(root, 'pwned'))).toBe(false);
});

it('in-tree modules go first, in order, and one that is absent is no reason to stop', () => {
  const { status, calls, log } = sh(postStartCommand(recipe({}, ['one', 'two'])), 'one');
  expect([status, log]).toEqual([0, '']);
  expect(calls).toEqual(['[-r][one]', '[-r][two]', '[-v][-d][/opt][kmod]']);
});

it('an in-tree module that is there and will not go stops the hook before anything is loaded', () => {
  mkdirSync(join(root, 'sys/in_use'));
  const { status, calls, log } = sh(postStartCommand(recipe({}, ['in-use'])), 'in-use');
  expect(status).not.toBe(0);
  expect(calls).toEqual(['[-r][in-use]', '[-r][in-use]']);
  expect(log).toContain('FATAL: in-use');
});

/** As sysfs shows a module that is loaded. */
const loaded = (name: string, references: number, ...users: readonly string[]) => {
  mkdirSync(join(root, 'sys', name, 'holders'), { recursive: true });
  writeFileSync(join(root, 'sys', name, 'refcnt'), `${references}\n`);
  for (const user of users) symlinkSync(root, join(root, 'sys', name, 'holders', user));
};
const PROGRAMS = 'Programs that use it, such as by an open device, are named by lsof or fuser on the node.';

it.each<{ name: string; sys: () => void; modprobe?: Partial<Modprobe>; told: string[] }>([
  {
    name: 'one module',
    sys: () => loaded('kmod', 1, 'user'),
    told: ['Module kmod is used by: user (references: 1).'],
  },
  {
    name: 'modules and programs',
    sys: () => loaded('kmod', 3, 'a_user', 'b_user'),
    told: ['Module kmod is used by: a_user b_user (references: 3).', PROGRAMS],
  },
  {
    name: 'programs',
    sys: () => loaded('my_kmod', 2),
    modprobe: { moduleName: 'my-kmod' },
    told: ['Module my_kmod is used by: no module (references: 2).', PROGRAMS],
  },
  { name: 'nobody', sys: () => loaded('kmod', 0), told: [] },
  { name: 'nobody, as it is built in', sys: () => mkdirSync(join(root, 'sys/kmod')), told: [] },
  { name: 'nobody, as it is not there', sys: () => {}, told: [] },
  {
    name: 'one of several',
    sys: () => {
      loaded('dep', 2, 'kmod', 'other');
      loaded('kmod', 0);
    },
    modprobe: { modulesLoadingOrder: ['kmod', 'dep'] },
    told: ['Module dep is used by: kmod other (references: 2).'],
  },
  {
    name: 'what raw arguments name',
    sys: () => loaded('kmod', 1, 'user'),
    modprobe: { moduleName: undefined, rawArgs: { load: [], unload: ['-r', '-d', '/opt', 'kmod', '$(x)'] } },
    told: ['Module kmod is used by: user (references: 1).'],
  },
])('who holds a module that does not leave is told: $name', ({ sys, modprobe = {}, told }) => {
  sys();
  const { status, log } = sh(preStopCommand(recipe(modprobe)), '-d');
  expect(status).toBe(1);
  expect(log.trimEnd().split('\n')).toEqual(['modprobe: FATAL: -d', ...told]);
});

it('of a module that leaves nothing is told, whoever else is held', () => {
  loaded('kmod', 1, 'user');
  expect(sh(preStopCommand(recipe({})))).toMatchObject({ status: 0, log: '' });
});

it('who holds an in-tree module that does not make room is told', () => {
  loaded('in_use', 1, 'user');
  const { log, output } = sh(postStartCommand(recipe({}, ['in-use'])), 'in-use');
  expect(log).toBe('modprobe: FATAL: in-use\nModule in_use is used by: user (references: 1).\n');
  expect(output).toBe(log);
});

it('a failing modprobe leaves its words in the termination message and its exit code', () => {
  const { status, log } = sh(postStartCommand(recipe({})), 'kmod');
  expect(status).toBe(1);
  expect(log).toBe('modprobe: FATAL: kmod\n');
});

it('a folder of modules that has no index of them is told of, where modprobe says only that it finds nothing', () => {
  const dirName = join(root, 'an opt');
  const folder = join(dirName, 'lib/modules', release());
  mkdirSync(folder, { recursive: true });
  const words = () => sh(postStartCommand(recipe({ dirName })), 'kmod').log;
  const hint = `${folder} has no modules.dep, without which modprobe finds nothing: `;
  const next = `run depmod -b ${dirName} ${release()} in the Dockerfile.`;
  expect(words()).toBe(`modprobe: FATAL: kmod\n${hint}${next}\n`);
  writeFileSync(join(folder, 'modules.dep'), '');
  expect(words()).toBe('modprobe: FATAL: kmod\n');
});

it('the words of a failure are printed too, and stay when the hook that unloads runs after it', () => {
  const { log, output } = sh(postStartCommand(recipe({})), 'kmod');
  expect(output).toBe(log);
  expect(sh(preStopCommand(recipe({}))).log).toBe('modprobe: FATAL: kmod\n');
});

it('firmware comes before the module and goes after it, with nothing else', () => {
  const firmware = join(root, 'fw dir');
  mkdirSync(join(firmware, 'deep/er'), { recursive: true });
  writeFileSync(join(firmware, 'a.bin'), 'a');
  writeFileSync(join(firmware, 'deep/er/b.bin'), 'b');
  symlinkSync('a.bin', join(firmware, 'link.bin'));
  mkdirSync(join(root, 'host/deep'));
  writeFileSync(join(root, 'host/deep/theirs'), 'x');
  const given = recipe({ firmwarePath: firmware });

  expect(sh(postStartCommand(given)).status).toBe(0);
  for (const name of ['a.bin', 'deep/er/b.bin', 'link.bin'])
    expect(existsSync(join(root, 'host', name))).toBe(true);

  // A module that stays keeps its firmware.
  expect(sh(preStopCommand(given), 'kmod').status).toBe(1);
  expect(existsSync(join(root, 'host/a.bin'))).toBe(true);

  expect(sh(preStopCommand(given)).status).toBe(0);
  for (const name of ['a.bin', 'deep/er', 'link.bin'])
    expect(existsSync(join(root, 'host', name))).toBe(false);
  expect(existsSync(join(root, 'host/deep/theirs'))).toBe(true);
});

it('the removal of firmware is written once, also after raw arguments (upstream wrote it after each)', () => {
  const rawArgs = { load: ['-v', 'x'], unload: ['-r', '-v', 'x'] };
  const command = preStopCommand(recipe({ moduleName: undefined, rawArgs, firmwarePath: '/fw' }));
  expect(command.split('cd /fw')).toHaveLength(2);
  expect(command).toMatch(/^\{ modprobe -r -v x && cd \/fw/);
});

it('soft dependencies are told pair by pair', () => {
  expect(softdepConfig(['a', 'b', 'c'])).toBe('softdep a pre: b\nsoftdep b pre: c\n');
  expect(softdepConfig(['a'])).toBe('');
});
