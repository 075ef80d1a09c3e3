import type { LoaderRecipe, Modprobe } from '@kmm-fleet/api';
import { postStartCommand, preStopCommand, softdepConfig } from '@kmm-fleet/spoke';

/** Modules of ./modules, by name. */
export type TestModule =
  | 'kmm_e2e_base'
  | 'kmm_e2e_user'
  | 'kmm_e2e_one'
  | 'kmm_e2e_two'
  | 'kmm_e2e_soft'
  | 'kmm_e2e_fw';

/** What was done to a module before it came into the image. */
export type Treatment =
  /** Signed by whom the node with Secure Boot trusts; so are those of the next three. */
  | 'signed'
  | 'packed'
  /** Changed after it was signed. */
  | 'tampered'
  /** Built for another version of Linux, or for a kernel with other settings. */
  | 'other version'
  | 'other settings'
  | 'unsigned'
  | 'foreign signature'
  | 'not a module';

/** One thing that happens on a node, and what is to be seen then. RELEASE stands for that of the node's kernel. */
export interface LoaderStep {
  /** A hook of a loader, a command of its container, or a program of the node that opens or closes the module's device. */
  readonly load?: Partial<Modprobe>;
  readonly unload?: Partial<Modprobe>;
  readonly command?: string;
  readonly device?: 'opened' | 'closed';
  readonly inTreeModulesToRemove?: readonly string[];
  /** Of the hook; 0 where nothing is said. */
  readonly code?: number;
  /** What it prints, by line; a hook that fails prints its words too. */
  readonly output?: readonly string[];
  /** The termination message, by line: what the pod's status keeps. */
  readonly words?: readonly string[];
  /** Lines of /proc/modules, newest first, without sizes and addresses. */
  readonly modules?: readonly string[];
  /** What the kernel logs about it. */
  readonly log?: readonly string[];
}

/** Contents of an image, and what becomes of it on a node: the same on a simulated node as on a real one. */
export interface LoaderScenario {
  readonly name: string;
  readonly node: 'plain' | 'secure';
  readonly modules: Readonly<Partial<Record<TestModule, Treatment>>>;
  /** The folder below lib/modules; that of the node's kernel where nothing is said. */
  readonly folder?: string;
  readonly isWithoutDepmod?: true;
  /** As modulesLoadingOrder of the Module. */
  readonly order?: readonly TestModule[];
  /** Files of /firmware in the image. */
  readonly firmware?: Readonly<Record<string, string>>;
  readonly steps: readonly LoaderStep[];
}

/** What a node did in one step. */
export type LoaderOutcome = Required<Pick<LoaderStep, 'code' | 'output' | 'words' | 'modules' | 'log'>>;

/** What a step is expected to do; where it says nothing, it prints nothing and leaves no words and no log. */
export function expectedOutcome(step: LoaderStep, release: string): LoaderOutcome {
  const told = (lines: readonly string[] = []) => lines.map((line) => line.replaceAll('RELEASE', release));
  return {
    code: step.code ?? 0,
    output: told(step.output),
    words: told(step.words),
    modules: told(step.modules),
    log: told(step.log),
  };
}

/** The command of a step, as the operator writes it into the pod; undefined for what happens outside of it. */
export function stepCommand(step: LoaderStep, { order }: LoaderScenario, kernel: string): string | undefined {
  const recipe = (modprobe: Partial<Modprobe>): LoaderRecipe => ({
    kernel,
    image: 'registry.test/kmod',
    inTreeModulesToRemove: [...(step.inTreeModulesToRemove ?? [])],
    modprobe: { dirName: '/opt', ...(order && { modulesLoadingOrder: [...order] }), ...modprobe },
  });
  if (step.load) return postStartCommand(recipe(step.load));
  if (step.unload) return preStopCommand(recipe(step.unload));
  return step.command;
}

/** Where a scenario's module lies in its image. */
export const modulePath = (scenario: LoaderScenario, module: string, release: string): string => {
  const packed = scenario.modules[module as TestModule] === 'packed' ? '.zst' : '';
  return `/opt/lib/modules/${scenario.folder ?? release}/${module}.ko${packed}`;
};

/** Files of a scenario's image other than modules and what depmod writes. */
export function otherFiles({ order, firmware = {} }: LoaderScenario): Record<string, string> {
  const files = Object.entries(firmware).map(([name, text]) => [`/firmware/${name}`, text]);
  return {
    ...Object.fromEntries(files),
    ...(order && { '/etc/modprobe.d/softdep.conf': softdepConfig(order) }),
  };
}
