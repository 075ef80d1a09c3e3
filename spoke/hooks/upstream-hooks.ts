import type { LoaderRecipe } from '@kmm-fleet/api';
import { loadArguments } from './loader-hooks.ts';

/** Hook commands as KMM 1.1 writes them, unquoted. They are never run by us: they tell its DaemonSets from edited ones. */
export interface UpstreamHooks {
  readonly postStart: string;
  readonly preStop: string;
}

/** undefined where upstream's text is not known to the letter: its removal of firmware, and several in-tree modules. */
export function upstreamHooks({ modprobe, inTreeModulesToRemove }: LoaderRecipe): UpstreamHooks | undefined {
  if (modprobe.firmwarePath || inTreeModulesToRemove.length > 1) return undefined;
  const [inTree] = inTreeModulesToRemove;
  const { args, rawArgs, dirName, moduleName = '' } = modprobe;
  const directory = dirName ? ['-d', dirName] : [];
  const unload = rawArgs?.unload ?? [...(args?.unload ?? ['-rv']), ...directory, moduleName];
  return {
    postStart: `${inTree ? `modprobe -r "${inTree}" && ` : ''}modprobe ${loadArguments(modprobe).join(' ')}`,
    preStop: `modprobe ${unload.join(' ')}`,
  };
}
