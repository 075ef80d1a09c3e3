import { fileURLToPath } from 'node:url';
import { buildGo, goModuleFolder } from './build-go.ts';
import { kubernetesFlags } from './program.ts';

/**
 * Programs of others, as their Go modules have them. Each folder's go.mod pins one version and lists it as a tool; those
 * of the policy stack want libraries that do not agree, so each has a folder of its own.
 */
const TOOLS = {
  helm: { folder: 'install-tools', tool: 'helm.sh/helm/v3/cmd/helm' },
  kustomize: { folder: 'install-tools', tool: 'sigs.k8s.io/kustomize/kustomize/v5' },
  'operator-verify': {
    folder: 'install-tools',
    tool: 'github.com/operator-framework/api/cmd/operator-verify',
  },
  propagator: { folder: 'propagator', tool: 'open-cluster-management.io/governance-policy-propagator' },
  'policy-controller': {
    folder: 'policy-controller',
    tool: 'open-cluster-management.io/config-policy-controller',
  },
} as const;

export type GoTool = keyof typeof TOOLS;

/** Builds a tool once per version, into the cache, and returns its path. */
export function goTool(name: GoTool, progress: (line: string) => void): Promise<string> {
  const { folder, tool } = TOOLS[name];
  return buildGo({ name, what: name, folder: sourcesOf(folder), tool }, progress);
}

/** kubectl of the version that its go.mod requires. */
export function newestKubectl(progress: (line: string) => void): Promise<string> {
  const folder = sourcesOf('kubectl');
  return buildGo(
    { name: 'kubectl', what: 'kubectl', folder, linkerFlags: kubernetesFlags(folder) },
    progress,
  );
}

/** Where the files are of a module that a tool is of or requires. */
export const toolModuleFolder = (name: GoTool, module: string) =>
  goModuleFolder(sourcesOf(TOOLS[name].folder), module);

const sourcesOf = (folder: string) => fileURLToPath(new URL(`./${folder}/`, import.meta.url));
