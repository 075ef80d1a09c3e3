import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandLine } from '@kmm-fleet/cli';
import {
  type Defer,
  findProgram,
  installObjects,
  installPrograms,
  makeServerCertificates,
  ocmHubObjects,
  ocmProgram,
  type PlaneOptions,
  planePrograms,
  startAll,
  startPlane,
} from '@kmm-fleet/lab';
import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  type KubeObject,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import { parseAllDocuments } from 'yaml';

/** A real API server with OCM's kinds, and a user's shell in front of it. */
export interface InstallPlane {
  /** For files of a test. */
  readonly folder: string;
  readonly url: string;
  /** File with the certificate of who signed that of the API server. */
  readonly ca: string;
  readonly kubeconfig: string;
  kubectl(args: readonly string[], input?: string): string;
  apply(text: string): string;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../..');

/** `kmm` of the images where there are programs for them, else of the checkout. */
export function kmmCommand(...args: readonly string[]): CommandLine {
  const programs = process.env['KMM_PROGRAMS'];
  return programs ? [process.execPath, join(programs, 'kmm.js'), ...args] : [join(root, 'bin/kmm'), ...args];
}

export function kmm(...args: readonly string[]): string {
  const [program, ...all] = kmmCommand(...args);
  return runProgram(program, all);
}

/** Objects of a YAML text. */
export const readObjects = (text: string): KubeObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);

/** Runs a program to its end. @throws {Error} with its words when it fails */
export function runProgram(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

/** kubectl, which keeps what it learned of a server in a folder of the test. */
export function kubectlOn(
  kubeconfig: string,
  folder: string,
  args: readonly string[],
  input?: string,
): string {
  const options = ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'kubectl')];
  return runProgram(findProgram('kubectl') ?? 'kubectl', [...args, ...options], input);
}

/** @param parts beside etcd and kube-apiserver */
export const startInstallPlane = (name: string, parts: PlaneOptions['parts'] = []): Promise<InstallPlane> =>
  startAll((defer) => startParts(name, parts, defer));

async function startParts(
  name: string,
  parts: PlaneOptions['parts'],
  defer: Defer,
): Promise<Omit<InstallPlane, 'stop'>> {
  await installPrograms(['kubectl', 'openssl'], () => {});
  const folder = mkdtempSync(join(tmpdir(), `kmm-${name}-`));
  defer(() => rmSync(folder, { recursive: true, force: true }));
  const certificates = await makeServerCertificates(folder);
  const programs = await planePrograms(() => {});
  const plane = await startPlane({ name, directory: folder, programs, certificates, parts });
  defer(() => plane.stop());
  const transport = createHttpTransport(plane.connection());
  const client = createKubeClient({ transport, clock, random, userAgent: 'test' });
  await installObjects(client, ocmHubObjects((await ocmProgram(() => {})).modules), clock);
  await transport.close();
  const kubeconfig = plane.kubeconfig();
  const kubectl = (args: readonly string[], input?: string) => kubectlOn(kubeconfig, folder, args, input);
  return {
    folder,
    url: plane.url,
    ca: certificates.ca,
    kubeconfig,
    kubectl,
    apply: (text) => kubectl(['apply', '--server-side', '-f', '-'], text),
  };
}
