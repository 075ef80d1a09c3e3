import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { CertificateFiles } from './certificates.ts';
import { runCommand, tailOf } from './command.ts';
import { keepRunning } from './keep-running.ts';
import { spawnMortal, stopChild } from './mortal-child.ts';
import { findProgram } from './requirements.ts';

export interface RealRegistry {
  /** `127.0.0.1:port`, the registry part of image references. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
  /** It is started again when it ends by itself. */
  readonly pid: () => number;
  stop(): Promise<void>;
}

export interface RealRegistryOptions {
  /** Holds the configuration, the password file and the log. */
  readonly directory: string;
  /** Where blobs are kept; reused by a later start. */
  readonly storage: string;
  readonly certificate: CertificateFiles;
  readonly username: string;
  readonly password: string;
  /** A free port is taken when absent. */
  readonly port?: number;
}

/** Starts Debian's docker-registry on the loopback address with TLS and a login. */
export async function startRegistry(options: RealRegistryOptions): Promise<RealRegistry> {
  const { directory, username, password } = options;
  mkdirSync(options.storage, { recursive: true });
  const port = options.port ?? (await freePort());
  const htpasswd = join(directory, 'htpasswd');
  const line = await runCommand(findProgram('htpasswd') ?? 'htpasswd', ['-Bin', username], {
    input: password,
  });
  writeFileSync(htpasswd, line.trim() + '\n', { mode: 0o600 });
  const config = join(directory, 'registry.yml');
  writeFileSync(config, registryConfig(options, `127.0.0.1:${port}`, htpasswd));
  const program = findProgram('docker-registry') ?? 'docker-registry';
  const log = join(directory, 'registry.log');
  const start = () => spawnMortal(program, ['serve', config], log);
  const first = start();
  try {
    await waitUntilListening(port, first, log);
  } catch (error) {
    await stopChild(first);
    throw error;
  }
  const { pid, stop } = keepRunning(start, { first });
  return { address: `127.0.0.1:${port}`, username, password, pid, stop };
}

/** Of the log of one that does not start. */
const LINES_TOLD = 5;

/** Below the ports that Linux gives to outgoing connections: one of those could take a port before its server does. */
const PORTS = { first: 15_000, count: 17_000 } as const;
let nextPort = Math.floor(Math.random() * PORTS.count);

/** A port on the loopback address that nobody listens on right now, and that this process has not given away. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS.count; tried += 1) {
    const port = PORTS.first + (nextPort++ % PORTS.count);
    if (await isFree(port)) return port;
  }
  throw new Error(`No port from ${PORTS.first} to ${PORTS.first + PORTS.count} is free.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function registryConfig(options: RealRegistryOptions, address: string, htpasswd: string): string {
  const { cert, key } = options.certificate;
  return JSON.stringify(
    {
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: options.storage }, delete: { enabled: true } },
      http: { addr: address, tls: { certificate: cert, key } },
      auth: { htpasswd: { realm: 'kmm-lab', path: htpasswd } },
    },
    null,
    2,
  );
}

async function waitUntilListening(port: number, child: ChildProcess, log: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null)
      throw new Error(
        `docker-registry exited with ${child.exitCode} at its start.\n${tailOf(readFileSync(log, 'utf8'), LINES_TOLD)}`,
      );
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`docker-registry did not open port ${port} within 10 s.`);
}
