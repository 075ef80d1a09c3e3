import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  isRoot,
  makeServerCertificates,
  missingPrograms,
  type Program,
  runCommand,
  startRegistry,
  unmountBelow,
} from '@kmm-fleet/lab';
import { systemClock as clock, systemRandom as random } from '@kmm-fleet/runtime';
import { createRegistry, type Registry } from '../registry/registry.ts';
import { createRegistryTransport } from '../registry/transport.ts';
import type { RegistryAccess } from '../registry/types.ts';

/** Debian's registry with TLS and a login, for the suites on real components. */
export interface RealRegistryWorld {
  readonly registry: Registry;
  readonly address: string;
  readonly access: RegistryAccess;
  readonly wrongAccess: RegistryAccess;
  /** PEM. */
  readonly ca: string;
  /** Goes away with the registry, and all mounts in it. */
  readonly directory: string;
  close(): Promise<void>;
}

/** Why a suite on a real registry cannot run here; empty when it can. */
export function skipReason(...more: readonly (Program | 'root')[]): string {
  const programs = more.filter((need) => need !== 'root');
  const missing = missingPrograms(['docker-registry', 'htpasswd', 'openssl', ...programs]);
  const needs = [...missing, ...(more.includes('root') && !isRoot() ? ['root'] : [])];
  return needs.length === 0 ? '' : `skipped: needs ${needs.join(', ')}`;
}

/** @param diskMib the registry gets a disk of its own, of that size; needs root */
export async function startRealRegistry(diskMib?: number): Promise<RealRegistryWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-images-'));
  const certificates = await makeServerCertificates(directory);
  const storage = join(directory, 'registry');
  if (diskMib) {
    mkdirSync(storage);
    await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${diskMib}m`, 'tmpfs', storage]);
  }
  const server = await startRegistry({
    directory,
    storage,
    certificate: certificates.server,
    username: 'kmm',
    password: 's3cret',
  });
  const { address } = server;
  const ca = readFileSync(certificates.ca, 'utf8');
  const access = (password: string): RegistryAccess => ({
    dockerConfig: JSON.stringify({ auths: { [address]: { username: 'kmm', password } } }),
  });
  return {
    registry: createRegistry({ transport: createRegistryTransport(ca), clock, random }),
    address,
    access: access('s3cret'),
    wrongAccess: access('wr0ng'),
    ca,
    directory,
    async close() {
      await server.stop();
      unmountBelow(directory);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
