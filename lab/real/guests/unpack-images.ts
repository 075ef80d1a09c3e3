import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { spawnMortal, stopChild } from '../mortal-child.ts';

/** What images of pods are in, to containerd. */
const NAMESPACE = 'k8s.io';

/**
 * Puts images into the store of the containerd below `root`, with their layers unpacked: a layer that is there is neither
 * fetched nor unpacked again. It is that containerd that does it, as a process of this machine.
 *
 * @param archives OCI archives; each tells the whole name of its image
 */
export async function unpackImages(root: string, archives: readonly string[]): Promise<void> {
  // A path of a UNIX socket has at most 107 characters.
  const work = mkdtempSync(join(tmpdir(), 'kmm-unpack-'));
  const socket = join(work, 'containerd.sock');
  const config = join(work, 'config.toml');
  const program = (name: string) => join(root, 'usr/bin', name);
  writeFileSync(config, storeConfig(join(root, 'var/lib/containerd'), work, socket));
  const containerd = spawnMortal(program('containerd'), ['--config', config], join(work, 'log'));
  const importing = ['--address', socket, '--namespace', NAMESPACE, 'images', 'import'];
  try {
    for (const archive of archives) await runCommand(program('ctr'), [...importing, archive]);
  } finally {
    await stopChild(containerd);
    rmSync(work, { recursive: true, force: true });
  }
}

/** No more than a store: nothing runs in it. */
const storeConfig = (data: string, work: string, socket: string) => `version = 2
root = "${data}"
state = "${join(work, 'state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
`;
