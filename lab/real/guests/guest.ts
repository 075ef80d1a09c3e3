import type { ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommand, tailOf } from '../command.ts';
import { spawnMortal, stopChild } from '../mortal-child.ts';
import { type Defer, startAll } from '../start-all.ts';
import { archiveFolder, type GuestDisk } from './guest-disk.ts';
import { type GuestSetting, guestFiles } from './guest-files.ts';
import { tellMonitor } from './monitor.ts';
import { openSerialShell, type SerialShell, type ShellResult } from './serial-shell.ts';

/** A virtual machine with a distribution's kernel that is a node of a cluster. */
export interface Guest {
  readonly name: string;
  /** Runs a command in the machine, not in a pod. */
  run(command: string): Promise<ShellResult>;
  /**
   * As when the power fails and returns; with a release, on that kernel. What is on its disk stays whole, which has no
   * journal. Always a new process, which alone can have another kernel.
   */
  restart(release?: string): Promise<void>;
  /** Pulls the plug of its network, or puts it back. Nobody tells the machine's programs or their peers. */
  setLink(isUp: boolean): Promise<void>;
  stop(): Promise<void>;
}

export interface GuestOptions {
  readonly setting: GuestSetting;
  readonly disk: GuestDisk;
  /** Release of the kernel. */
  readonly kernel: string;
  /** Firmware that checks signatures; then the kernel loads only modules signed by who is in the firmware's db. */
  readonly secureBoot?: boolean;
  /** Of this machine's loopback address, behind which the guest's kubelet is. */
  readonly kubeletPort: number;
  /** For files and logs. */
  readonly directory: string;
}

const FIRMWARE = '/usr/share/OVMF';
/** Debian's key for tests is in the db of these variables: {@link TEST_KEY}. */
const VARIABLES = 'OVMF_VARS_4M.snakeoil.fd';
/** Key pair whose signatures a guest with Secure Boot accepts: an encrypted PEM key, its password, a PEM certificate. */
export const TEST_KEY = {
  key: '/usr/share/ovmf/PkKek-1-snakeoil.key',
  password: 'snakeoil',
  certificate: '/usr/share/ovmf/PkKek-1-snakeoil.pem',
} as const;

/** Without hardware help on a busy machine: ten times what it takes on a calm one. */
const START_MS_MAX = 180_000;

/** Starts a machine; resolves when its init has started containerd and kubelet. */
export const startGuest = (options: GuestOptions): Promise<Guest> =>
  startAll((defer) => startMachine(options, defer));

async function startMachine(options: GuestOptions, defer: Defer): Promise<Omit<Guest, 'stop'>> {
  const { setting, disk, kubeletPort, secureBoot = false } = options;
  if (secureBoot && !existsSync(join(FIRMWARE, VARIABLES)))
    throw new Error('The firmware for Secure Boot is not installed. As root: apt-get install -y ovmf');
  const directory = join(options.directory, setting.name);
  mkdirSync(directory, { recursive: true });
  // A path of a UNIX socket has at most 107 characters.
  const sockets = mkdtempSync(join(tmpdir(), 'kmm-guest-'));
  defer(() => rmSync(sockets, { recursive: true, force: true }));
  const [socket, monitor] = [join(sockets, 'shell'), join(sockets, 'monitor')];
  const files = {
    directory,
    overlay: join(directory, 'disk.qcow2'),
    variables: join(directory, 'variables.fd'),
  };
  const base = ['-b', disk.disk, '-F', 'raw', files.overlay];
  await runCommand('qemu-img', ['create', '-q', '-f', 'qcow2', ...base]);
  if (secureBoot) cpSync(join(FIRMWARE, VARIABLES), files.variables);
  const seed = await writeSeed(directory, setting);

  let child: ChildProcess;
  let shell: SerialShell;
  const boot = async (release: string) => {
    const ramDisk = join(directory, `ramdisk-${release}.gz`);
    await runCommand('sh', ['-c', 'cat "$1" "$2" >"$3"', 'join', disk.boot(release).ramDisk, seed, ramDisk]);
    for (const path of [socket, monitor]) rmSync(path, { force: true });
    const { kernel } = disk.boot(release);
    const args = machine({ ...files, socket, monitor, kernel, ramDisk, secureBoot, kubeletPort });
    child = spawnMortal('qemu-system-x86_64', args, join(directory, 'qemu.log'));
    shell = await openSerialShell(socket);
    await shell.ready(START_MS_MAX).catch(async (error: Error) => {
      const logs = ['console.log', 'qemu.log'].map((log) => join(directory, log));
      const last = await runCommand('tail', ['-n', '15', ...logs]).catch(() => '');
      throw new Error(`${setting.name}: ${error.message}\n${tailOf(last, 30)}`, { cause: error });
    });
  };
  const end = async () => {
    shell?.close();
    child?.kill('SIGKILL');
    if (child) await stopChild(child);
  };
  defer(end);
  let { kernel } = options;
  await boot(kernel);
  return {
    name: setting.name,
    run: (command) => shell.run(command),
    async restart(release = kernel) {
      await shell.run(STILL_DISK);
      await end();
      kernel = release;
      await boot(release);
    },
    setLink: (isUp) => tellMonitor(monitor, 'set_link', { name: NETWORK, up: isUp }),
  };
}

/** The disk has no journal: it must be whole, and nobody may write to it, when the power fails. */
const STILL_DISK =
  "sync; echo u >/proc/sysrq-trigger; until grep -q '^/dev/vda / ext4 ro' /proc/mounts; do sleep 0.1; done";

/** What qemu calls the machine's network. */
const NETWORK = 'net';

interface Machine {
  readonly directory: string;
  readonly overlay: string;
  readonly variables: string;
  /** Of the shell. */
  readonly socket: string;
  readonly monitor: string;
  readonly kernel: string;
  readonly ramDisk: string;
  readonly secureBoot: boolean;
  readonly kubeletPort: number;
}

/**
 * One core, which qemu emulates at half the cost of one of several: those have to be atomic to one another. It has all
 * that qemu can emulate but what it does slowly: `rep movsb` a byte at a time, which kernels and libraries prefer where
 * the processor says that it is fast (erms), and checks that nothing here is about.
 */
const PROCESSOR = 'max,erms=off,smap=off,la57=off,mpx=off,pku=off';
const MEMORY_MB = 768;

function machine(setting: Machine): string[] {
  const { directory, overlay, socket, monitor, kernel, ramDisk, secureBoot, variables, kubeletPort } =
    setting;
  const flash = (unit: number, file: string, rest: string) => [
    '-drive',
    `if=pflash,format=raw,unit=${unit},file=${file}${rest}`,
  ];
  const firmware = [
    ...['-global', 'driver=cfi.pflash01,property=secure,value=on', '-global', 'ICH9-LPC.disable_s3=1'],
    ...flash(0, join(FIRMWARE, 'OVMF_CODE_4M.secboot.fd'), ',readonly=on'),
    ...flash(1, variables, ''),
  ];
  return [
    ...['-accel', 'tcg,thread=multi', '-cpu', PROCESSOR, '-M', secureBoot ? 'q35,smm=on' : 'q35'],
    ...['-m', String(MEMORY_MB), '-nodefaults', '-no-user-config', '-no-reboot'],
    ...['-display', 'none', '-serial', `file:${join(directory, 'console.log')}`],
    ...['-chardev', `socket,id=shell,path=${socket},server=on,wait=off`, '-serial', 'chardev:shell'],
    ...['-qmp', `unix:${monitor},server=on,wait=off`],
    ...['-drive', `if=none,id=disk,file=${overlay},format=qcow2,cache=unsafe`],
    ...['-device', 'virtio-blk-pci,drive=disk,romfile='],
    ...[
      '-netdev',
      `user,id=${NETWORK},hostfwd=tcp:127.0.0.1:${kubeletPort}-:10250`,
      '-device',
      `virtio-net-pci,netdev=${NETWORK},romfile=`,
    ],
    ...['-kernel', kernel, '-initrd', ramDisk, '-append', KERNEL_ARGUMENTS],
    ...(secureBoot ? firmware : []),
  ];
}

/**
 * The clock is the processor's, which programs read without the kernel; it finds no fault with an emulated one only when
 * told so, and else has each of its many readings go to a device. Words are copied by loops too, not by `rep movsq`.
 */
const KERNEL_ARGUMENTS = [
  'console=ttyS0 quiet loglevel=6 panic=-1 mitigations=off firmware_class.path=/var/lib/firmware',
  'tsc=reliable clearcpuid=rep_good',
].join(' ');

async function writeSeed(directory: string, setting: GuestSetting): Promise<string> {
  const folder = join(directory, 'seed');
  for (const [path, text] of Object.entries(guestFiles(setting))) {
    const file = join(folder, 'seed', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }
  const target = join(directory, 'seed.gz');
  await archiveFolder(folder, target);
  return target;
}
