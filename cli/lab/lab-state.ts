import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What a running lab leaves in its folder for other commands. */
export interface LabState {
  /** Process that holds the API servers and nodes; its end is the lab's end. */
  readonly pid: number;
  readonly registry: string;
  readonly kernels: { readonly common: string; readonly edge: string; readonly upgrade: string };
  readonly clusters: readonly { readonly name: string; readonly server: string }[];
  /** Process ids of hub and spokes by name; they change when one is restarted. */
  readonly processes: Readonly<Record<string, number>>;
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
export function labPaths(directory?: string): LabPaths {
  const root = resolve(directory ?? process.env['KMM_LAB_DIR'] ?? '.lab');
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

/** The state of the lab, or undefined when none runs. */
export function readLabState({ state }: LabPaths): LabState | undefined {
  if (!existsSync(state)) return undefined;
  const parsed = JSON.parse(readFileSync(state, 'utf8')) as LabState;
  return isAlive(parsed.pid) ? parsed : undefined;
}

/** Replaces the state in one step, so that nobody reads half of it. */
export function writeLabState({ state, directory }: LabPaths, value: LabState): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${state}.new`, JSON.stringify(value, null, 2));
  renameSync(`${state}.new`, state);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
