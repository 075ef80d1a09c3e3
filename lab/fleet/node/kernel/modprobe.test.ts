import { type ModuleShape, makeModule } from '@kmm-fleet/images/testing';
import { describe, expect, it } from 'vitest';
import { makeContainer, makeTree } from '../../testing/container.ts';
import { createKernel, type KernelOptions } from './kernel.ts';

const RELEASE = '6.1.0-1-amd64';
const DIRECTORY = `/opt/lib/modules/${RELEASE}`;

const a: ModuleShape = {
  name: 'kmm_a',
  kernel: RELEASE,
  parameters: ['site', 'fw'],
  exports: ['kmm_scale'],
  firmware: ['kmm/blob.bin'],
};
const b: ModuleShape = {
  name: 'kmm_b',
  kernel: RELEASE,
  parameters: ['site'],
  depends: ['kmm_a'],
  needs: ['_printk', 'kmm_scale'],
};

/** A loader image with modules and the modules.dep that depmod would write. */
function image(
  shapes: readonly ModuleShape[],
  options: { release?: string; extra?: Record<string, string> } = {},
) {
  const directory = `/opt/lib/modules/${options.release ?? RELEASE}`;
  const names = new Set(shapes.map(({ name }) => name));
  const line = ({ name, depends = [] }: ModuleShape) =>
    `${name}.ko:${depends
      .filter((other) => names.has(other))
      .map((other) => ` ${other}.ko`)
      .join('')}\n`;
  return {
    ...Object.fromEntries(shapes.map((shape) => [`${directory}/${shape.name}.ko`, makeModule(shape)])),
    [`${directory}/modules.dep`]: shapes.map(line).join(''),
    ...options.extra,
  };
}

const boot = (options: Partial<KernelOptions> = {}) => createKernel({ release: RELEASE, ...options });
const loaded = (kernel: ReturnType<typeof boot>) => kernel.modules().map(({ name }) => name);

describe('modprobe loads', () => {
  it('a module with its dependency, dependency first, and shows what it does', () => {
    const container = makeContainer(image([a, b]));
    expect(container.sh('modprobe -v -d /opt kmm_b site=east')).toEqual({
      code: 0,
      stdout: `insmod ${DIRECTORY}/kmm_a.ko \ninsmod ${DIRECTORY}/kmm_b.ko site=east\n`,
      stderr: '',
    });
    expect(container.kernel.modules()).toEqual([
      { name: 'kmm_a', parameters: {}, holders: ['kmm_b'], refcount: 1, taint: 12_288, isInTree: false },
      {
        name: 'kmm_b',
        parameters: { site: 'east' },
        holders: [],
        refcount: 0,
        taint: 12_288,
        isInTree: false,
      },
    ]);
    expect(container.kernel.taint).toBe(12_288);
    expect(container.kernel.dmesg()).toEqual([
      'kmm_a: loading out-of-tree module taints kernel.',
      'kmm_a: module verification failed: signature and/or required key missing - tainting kernel',
    ]);
  });

  it('nothing twice, unless it is the first time that was asked for', () => {
    const container = makeContainer(image([a]));
    expect(container.sh('modprobe -d /opt kmm_a && modprobe -d /opt kmm-a')).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(container.sh('modprobe --first-time -d /opt kmm_a')).toMatchObject({
      code: 1,
      stderr: "modprobe: ERROR: could not insert 'kmm_a': Module already in kernel\n",
    });
  });

  it('an unknown parameter all the same, and only the log tells', () => {
    const container = makeContainer(image([a]));
    expect(container.sh('modprobe -d /opt kmm_a frob=1')).toMatchObject({ code: 0, stderr: '' });
    expect(container.kernel.dmesg()).toContain("kmm_a: unknown parameter 'frob' ignored");
    expect(container.kernel.modules()[0]?.parameters).toEqual({});
  });

  it('options and soft dependencies of modprobe.d in order, and survives a circle of them', () => {
    const c: ModuleShape = { name: 'kmm_c', kernel: RELEASE, softdeps: ['post: kmm_d'] };
    const d: ModuleShape = { name: 'kmm_d', kernel: RELEASE };
    const extra = {
      '/etc/modprobe.d/softdep.conf':
        'softdep kmm_b pre: kmm-c\nsoftdep kmm_c pre: kmm_b post: kmm_d\noptions kmm_b site=conf\n',
    };
    const container = makeContainer(image([a, b, c, d], { extra }));
    const { stdout } = container.sh('modprobe -v -d /opt kmm_b');
    expect(stdout.split('\n').map((line) => line.replace(`insmod ${DIRECTORY}/`, ''))).toEqual([
      'kmm_c.ko ',
      'kmm_d.ko ',
      'kmm_a.ko ',
      'kmm_b.ko site=conf',
      '',
    ]);
  });

  it('soft dependencies that a module names itself, and goes on without one that is missing', () => {
    const shape: ModuleShape = { name: 'kmm_s', kernel: RELEASE, softdeps: ['pre: kmm_a kmm_none'] };
    const container = makeContainer(image([a, shape]));
    expect(container.sh('modprobe -d /opt kmm_s').code).toBe(0);
    expect(loaded(container.kernel)).toEqual(['kmm_a', 'kmm_s']);
  });

  it('what is built in or an alias, and all of a list', () => {
    const extra = {
      [`${DIRECTORY}/modules.builtin`]: 'kernel/fs/ext4.ko\n',
      [`${DIRECTORY}/modules.alias`]: 'alias pci:v0000* kmm_a\n',
    };
    const container = makeContainer(image([a, b], { extra }));
    expect(container.sh('modprobe -d /opt ext4').code).toBe(0);
    expect(container.sh('modprobe -d /opt pci:v00008086').code).toBe(0);
    expect(container.sh('modprobe -a -d/opt kmm_a kmm_b').code).toBe(0);
    expect(loaded(container.kernel)).toEqual(['kmm_a', 'kmm_b']);
  });
});

describe('modprobe refuses, in its own words and the kernel’s', () => {
  interface Refusal {
    readonly name: string;
    readonly files: ReturnType<typeof image>;
    readonly command?: string;
    readonly kernel?: Partial<KernelOptions>;
    readonly stderr: string;
    readonly dmesg?: string;
  }
  const could = (reason: string, module = 'kmm_a') =>
    `modprobe: ERROR: could not insert '${module}': ${reason}\n`;
  const rejected = 'Key was rejected by service';
  const symbol = 'Unknown symbol in module, or unknown parameter (see dmesg)';

  it.each<Refusal>([
    {
      name: 'a module that is not in the image',
      files: image([b]),
      stderr: `modprobe: FATAL: Module kmm_a not found in directory ${DIRECTORY}\n`,
    },
    {
      name: 'a wrong dirName',
      files: image([a]),
      command: 'modprobe -d /wrong kmm_a',
      stderr: `modprobe: FATAL: Module kmm_a not found in directory /wrong/lib/modules/${RELEASE}\n`,
    },
    {
      name: 'an image for another kernel',
      files: image([a], { release: '6.1.0-2-amd64' }),
      stderr: `modprobe: FATAL: Module kmm_a not found in directory ${DIRECTORY}\n`,
    },
    {
      name: 'a module built for another kernel',
      files: image([{ ...a, kernel: '6.12.0-1-amd64' }]),
      stderr: could('Exec format error'),
      dmesg: 'kmm_a: disagrees about version of symbol module_layout',
    },
    {
      name: 'a symbol whose module cannot be loaded',
      files: image([{ ...a, kernel: '5.10.0' }, b]),
      command: 'modprobe -d /opt kmm_b',
      stderr: could('Exec format error', 'kmm_b'),
      dmesg: 'kmm_a: disagrees about version of symbol module_layout',
    },
    {
      name: 'a dependency that the image lacks',
      files: image([b]),
      command: 'modprobe -d /opt kmm_b',
      stderr: could(symbol, 'kmm_b'),
      dmesg: 'kmm_b: Unknown symbol kmm_scale (err -2)',
    },
    {
      name: 'an unsigned module under Secure Boot',
      files: image([a]),
      kernel: { secureBoot: true },
      stderr: could(rejected),
      dmesg: 'Loading of unsigned module is rejected',
    },
    {
      name: 'an unsigned module under an enforcing kernel',
      files: image([a]),
      kernel: { enforcesSignatures: true },
      stderr: could(rejected),
      dmesg: 'Loading of unsigned module is rejected',
    },
    {
      name: 'an unsigned module under lockdown alone',
      files: image([a]),
      kernel: { isLockedDown: true },
      stderr: could('Operation not permitted'),
      dmesg: 'Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7',
    },
    {
      name: 'an unsigned module on an old enforcing kernel',
      files: {
        [`/opt/lib/modules/4.18.0-1/kmm_a.ko`]: makeModule({ ...a, kernel: '4.18.0-1' }),
        '/opt/lib/modules/4.18.0-1/modules.dep': 'kmm_a.ko:\n',
      } as ReturnType<typeof image>,
      kernel: { release: '4.18.0-1', secureBoot: true },
      stderr: could('Required key not available'),
      dmesg: 'Loading of unsigned module is rejected',
    },
    {
      name: 'firmware that is not on the node',
      files: image([a]),
      command: 'modprobe -d /opt kmm_a fw=kmm/blob.bin',
      stderr: could(symbol),
      dmesg: 'kmm_a kmm_a: firmware: failed to load kmm/blob.bin (-2)',
    },
    {
      name: 'a file that is no module',
      files: { ...image([a]), [`${DIRECTORY}/kmm_a.ko`]: 'text' } as ReturnType<typeof image>,
      stderr: could('Exec format error'),
    },
    {
      name: 'an option that it does not know',
      files: image([a]),
      command: 'modprobe --frob kmm_a',
      stderr:
        "modprobe: unrecognized option '--frob'\nmodprobe: ERROR: unexpected getopt_long() value '?'.\n",
    },
  ])('$name', ({ files, kernel: options, command = 'modprobe -d /opt kmm_a', stderr, dmesg }) => {
    const kernel = boot(options);
    expect(makeContainer(files, { kernel }).sh(command)).toEqual({ code: 1, stdout: '', stderr });
    expect(loaded(kernel)).toEqual([]);
    expect(kernel.dmesg().some((line) => line === dmesg)).toBe(dmesg !== undefined);
  });

  it('a release without modversions with both version magics', () => {
    const text = Buffer.from(makeModule({ ...a, kernel: '6.1.0-2-amd64' })).toString('latin1');
    const bytes = Buffer.from(text.replace('modversions', 'retpoline  '), 'latin1');
    const kernel = boot();
    const container = makeContainer({ ...image([a]), [`${DIRECTORY}/kmm_a.ko`]: bytes }, { kernel });
    expect(container.sh('modprobe -d /opt kmm_a').stderr).toBe(could('Exec format error'));
    expect(kernel.dmesg().at(-1)).toMatch(
      /^kmm_a: version magic '6\.1\.0-2-amd64 SMP .*' should be '6\.1\.0-1-amd64 SMP /,
    );
  });

  it('a process that may not load modules, and says nothing when quiet', () => {
    const container = makeContainer(image([a]), { mayLoadModules: false });
    expect(container.sh('modprobe -d /opt kmm_a').stderr).toBe(could('Operation not permitted'));
    expect(container.sh('modprobe -q -d /opt nothing')).toEqual({ code: 1, stdout: '', stderr: '' });
  });
});

it('takes another build of the same upstream version, as kernels with modversions do', () => {
  const container = makeContainer(image([{ ...a, kernel: '6.1.0-2-amd64' }]));
  expect(container.sh('modprobe -d /opt kmm_a').code).toBe(0);
});

it('reads firmware that the node has', () => {
  const kernel = boot({ hasFirmware: (file) => file === 'kmm/blob.bin' });
  const container = makeContainer(image([a]), { kernel });
  expect(container.sh('modprobe -d /opt kmm_a fw=kmm/blob.bin').code).toBe(0);
  expect(kernel.dmesg()).toContain('kmm_a kmm_a: firmware: direct-loading firmware kmm/blob.bin');
});

describe('modprobe -r', () => {
  it('removes a module and what only it needed', () => {
    const container = makeContainer(image([a, b]));
    container.sh('modprobe -d /opt kmm_b');
    expect(container.sh('modprobe -rv -d /opt kmm_b')).toEqual({
      code: 0,
      stdout: 'rmmod kmm_b\nrmmod kmm_a\n',
      stderr: '',
    });
    expect(loaded(container.kernel)).toEqual([]);
  });

  it('leaves what is in use, by a module or by a program', () => {
    const container = makeContainer(image([a, b]));
    container.sh('modprobe -d /opt kmm_b');
    const inUse = (name: string) => ({ code: 1, stderr: `modprobe: FATAL: Module ${name} is in use.\n` });
    expect(container.sh('modprobe -r -d /opt kmm_a')).toMatchObject(inUse('kmm_a'));
    expect(container.sh('rmmod kmm_a').stderr).toBe('rmmod: ERROR: Module kmm_a is in use by: kmm_b\n');
    container.kernel.use('kmm_b', 1);
    expect(container.sh('modprobe -r -d /opt kmm_b')).toMatchObject(inUse('kmm_b'));
    container.kernel.use('kmm_b', -1);
    expect(container.sh('modprobe -r -d /opt kmm_b').code).toBe(0);
  });

  it('keeps a dependency that somebody else still holds, without a word', () => {
    const other: ModuleShape = { name: 'kmm_o', kernel: RELEASE, depends: ['kmm_a'], needs: ['kmm_scale'] };
    const container = makeContainer(image([a, b, other]));
    container.sh('modprobe -a -d /opt kmm_b kmm_o');
    expect(container.sh('modprobe -r -d /opt kmm_b')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(loaded(container.kernel)).toEqual(['kmm_a', 'kmm_o']);
  });

  it.each([
    {
      name: 'is silent about one that is not loaded',
      command: 'modprobe -r -d /opt kmm_a',
      code: 0,
      stderr: '',
    },
    {
      name: 'says so when the first time was asked for',
      command: 'modprobe -r --first-time -d /opt kmm_a',
      code: 1,
      stderr: 'modprobe: FATAL: Module kmm_a is not in kernel.\n',
    },
    {
      name: 'says that it knows none',
      command: 'modprobe -r nothing',
      code: 1,
      stderr: 'modprobe: FATAL: Module nothing not found.\n',
    },
  ])('$name', ({ command, code, stderr }) => {
    expect(makeContainer(image([a])).sh(command)).toEqual({ code, stdout: '', stderr });
  });

  it('removes soft dependencies behind it before it, and those in front of it after it', () => {
    const extra = { '/etc/modprobe.d/o.conf': 'softdep kmm_a pre: kmm_p post: kmm_q\n' };
    const shapes = ['kmm_p', 'kmm_q'].map((name): ModuleShape => ({ name, kernel: RELEASE }));
    const container = makeContainer(image([a, ...shapes], { extra }));
    container.sh('modprobe -d /opt kmm_a');
    expect(container.sh('modprobe -rv -d /opt kmm_a').stdout).toBe('rmmod kmm_q\nrmmod kmm_a\nrmmod kmm_p\n');
  });
});

it('insmod looks nothing up and has words of its own', () => {
  const container = makeContainer(image([a, b]));
  expect(container.sh(`insmod ${DIRECTORY}/kmm_b.ko`)).toMatchObject({
    code: 1,
    stderr: `insmod: ERROR: could not insert module ${DIRECTORY}/kmm_b.ko: Unknown symbol in module\n`,
  });
  expect(
    container.sh(`insmod ${DIRECTORY}/kmm_a.ko && insmod ${DIRECTORY}/kmm_b.ko && lsmod`).stdout,
  ).toMatch(/kmm_b .*\nkmm_a .* 1 kmm_b\n/);
});

it('replaces an in-tree module of the node and puts it back', () => {
  const file = makeModule({ name: 'dummy', kernel: RELEASE });
  const host = makeTree({
    [`/lib/modules/${RELEASE}/kernel/dummy.ko`]: file,
    [`/lib/modules/${RELEASE}/modules.dep`]: 'kernel/dummy.ko:\n',
  });
  const kernel = boot({ secureBoot: true, inTreeFiles: new Set([file]) });
  kernel.load(file, { parameters: {}, exporters: new Map(), process: 'udev' });
  const path = `/lib/modules/${RELEASE}`;
  const container = makeContainer({}, { kernel, mounts: [{ path, tree: host, root: path, readOnly: true }] });
  expect(container.sh('modprobe -r dummy').code).toBe(0);
  expect(loaded(kernel)).toEqual([]);
  expect(container.sh('modprobe dummy').code).toBe(0);
  expect(kernel.modules()[0]).toMatchObject({ name: 'dummy', isInTree: true, taint: 0 });
});
