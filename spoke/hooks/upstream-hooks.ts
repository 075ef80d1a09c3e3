import type { LoaderRecipe } from '@kmm-fleet/api';
import { FIRMWARE_DIRECTORY, loadArguments } from './loader-hooks.ts';

/** Hook commands as KMM 1.1 writes them, unquoted. They are never run by us: they tell its DaemonSets from edited ones. */
export interface UpstreamHooks {
  readonly postStart: string;
  /** How the hook begins that unloads: its removal of firmware, which follows, is not known to the letter. */
  readonly preStop: string;
}

/** undefined where upstream 1.x had no such thing: several in-tree modules. */
export function upstreamHooks({ modprobe, inTreeModulesToRemove }: LoaderRecipe): UpstreamHooks | undefined {
  if (inTreeModulesToRemove.length > 1) return undefined;
  const [inTree] = inTreeModulesToRemove;
  const { args, rawArgs, dirName, firmwarePath, moduleName = '' } = modprobe;
  const directory = dirName ? ['-d', dirName] : [];
  const unload = rawArgs?.unload ?? [...(args?.unload ?? ['-rv']), ...directory, moduleName];
  return {
    postStart: [
      ...(inTree ? [`modprobe -r "${inTree}"`] : []),
      ...(firmwarePath ? [`cp -r ${firmwarePath}/* ${FIRMWARE_DIRECTORY}`] : []),
      `modprobe ${loadArguments(modprobe).join(' ')}`,
    ].join(' && '),
    preStop: `modprobe ${unload.join(' ')}`,
  };
}
