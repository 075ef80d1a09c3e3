import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isAlive } from '@kmm-fleet/lab';
import type { Env } from '../output/terminal.ts';

/** What a running lab leaves in its folder for other commands. */
export interface LabState {
  /** Process that holds the API servers and nodes; its end is the lab's end. */
  readonly pid: number;
  readonly registry: string;
  readonly kernels: { readonly common: string; readonly edge: string; readonly upgrade: string };
  readonly clusters: readonly { readonly name: string; readonly server: string }[];
  /** Process ids of hub and spokes by name; they change when one is restarted. */
  readonly processes: Readonly<Record<string, number>>;
  /** How often each of them was started again. */
  readonly restarts?: Readonly<Record<string, number>>;
}

/** Paths in a lab's folder. */
export interface LabPaths {
  readonly directory: string;
  readonly state: string;
  readonly kubeconfig: string;
  readonly manifests: string;
  readonly logs: string;
  readonly path: (...parts: readonly string[]) => string;
}

/** `--dir`, `KMM_LAB_DIR`, or `.lab` here. */
export function labPaths(directory?: string, env: Env = process.env): LabPaths {
  const root = resolve(directory ?? (env['KMM_LAB_DIR'] || '.lab'));
  const path = (...parts: readonly string[]) => join(root, ...parts);
  return {
    directory: root,
    state: path('state.json'),
    kubeconfig: path('kubeconfig'),
    manifests: path('manifests'),
    logs: path('logs'),
    path,
  };
}

/** The state of the lab, or undefined when none runs: a file that nobody can read is a lab that did not come up. */
export function readLabState({ state }: LabPaths): LabState | undefined {
  if (!existsSync(state)) return undefined;
  const parsed = parse(readFileSync(state, 'utf8'));
  return parsed && isAlive(parsed.pid) ? parsed : undefined;
}

/** The lab that is up and has this API server: the one here, or the one that the kubeconfig is of. */
export function labOf(
  { server, kubeconfig }: { readonly server: string; readonly kubeconfig?: string },
  env: Env,
): LabPaths | undefined {
  const labs = [labPaths(undefined, env), ...(kubeconfig ? [labPaths(dirname(kubeconfig))] : [])];
  return labs.find((lab) => readLabState(lab)?.clusters.some((cluster) => cluster.server === server));
}

function parse(text: string): LabState | undefined {
  try {
    const parsed = JSON.parse(text) as LabState | null;
    return Number.isInteger(parsed?.pid) ? (parsed ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the state in one step, so that nobody reads half of it. */
export function writeLabState({ state, directory }: LabPaths, value: LabState): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${state}.new`, JSON.stringify(value, null, 2));
  renameSync(`${state}.new`, state);
}

/** A folder that a lab has made, or that nothing is lost with. */
export function isLabFolder({ directory, path }: LabPaths): boolean {
  return !existsSync(directory) || existsSync(path('logs', 'lab.log')) || readdirSync(directory).length === 0;
}
