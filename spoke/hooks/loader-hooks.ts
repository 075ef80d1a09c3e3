import type { LoaderRecipe, Modprobe } from '@kmm-fleet/api';
import { shellCommand, shellQuote } from './shell-quote.ts';
import { tellHolders } from './tell-holders.ts';

/** Where firmware of modules lies on a node. */
export const FIRMWARE_DIRECTORY = '/var/lib/firmware';

/** What a hook says on standard error is kept here for the pod's status: nobody else records it for long. */
export const WORDS = '/dev/termination-log';

/** Says in the termination message where the node's kernel looks for firmware before its usual places; it never fails. */
export const FIRMWARE_PATH_COMMAND = `cat /sys/module/firmware_class/parameters/path >${WORDS} 2>/dev/null || true`;

/**
 * Loads the module: what is in the kernel already goes first, then firmware comes, then modprobe. The kubelet shows what a
 * hook that failed has printed at once, and the termination message only after the container has been stopped.
 */
export function postStartCommand({ modprobe, inTreeModulesToRemove }: LoaderRecipe): string {
  const steps = [
    ...inTreeModulesToRemove.map(removeInTree),
    ...(modprobe.firmwarePath ? [copyFirmware(modprobe.firmwarePath)] : []),
    shellCommand(['modprobe', ...loadArguments(modprobe)]),
  ];
  const holders =
    inTreeModulesToRemove.length > 0 ? [`${tellHolders(inTreeModulesToRemove)} >>${WORDS}`] : [];
  const explain = [...tellDepmod(modprobe), ...holders, `cat ${WORDS}`, 'false'];
  return `{ ${steps.join(' && ')}; } 2>${WORDS} || { ${explain.join('; ')}; }`;
}

/**
 * Unloads the module, then removes the firmware that came with it; a module that stays keeps its firmware, and who holds
 * it is told. Its words come after those of the hook before: the kubelet runs it too when loading has failed.
 */
export function preStopCommand({ modprobe }: LoaderRecipe): string {
  const unload = shellCommand(['modprobe', ...unloadArguments(modprobe)]);
  const steps = [unload, ...(modprobe.firmwarePath ? [removeFirmware(modprobe.firmwarePath)] : [])];
  return `{ ${steps.join(' && ')}; } 2>>${WORDS} || { ${tellHolders(unloaded(modprobe))} >>${WORDS}; false; }`;
}

/** Arguments of modprobe that load. `args.load` replaces -v, as in KMM 1.x; rawArgs are the whole list. */
export function loadArguments(modprobe: Modprobe): string[] {
  const { args, rawArgs, parameters = [] } = modprobe;
  if (rawArgs?.load) return [...rawArgs.load];
  return [...(args?.load ?? ['-v']), ...directory(modprobe), modprobe.moduleName ?? '', ...parameters];
}

/** Arguments of modprobe that unload; a module with soft dependencies goes with them, in one command. */
export function unloadArguments(modprobe: Modprobe): string[] {
  const { args, rawArgs, modulesLoadingOrder } = modprobe;
  if (rawArgs?.unload) return [...rawArgs.unload];
  return [
    ...(args?.unload ?? ['-rv']),
    ...directory(modprobe),
    ...(modulesLoadingOrder ?? [modprobe.moduleName ?? '']),
  ];
}

/** What {@link unloadArguments} unload. Of raw arguments, every word that may be the name of a module. */
function unloaded({ rawArgs, modulesLoadingOrder, moduleName = '' }: Modprobe): readonly string[] {
  return rawArgs?.unload?.filter((word) => /^\w[\w-]*$/.test(word)) ?? modulesLoadingOrder ?? [moduleName];
}

/** `softdep A pre: B` lines for modules that must be loaded after one another, the topmost first. */
export function softdepConfig(order: readonly string[]): string {
  return order
    .slice(0, -1)
    .map((module, index) => `softdep ${module} pre: ${order[index + 1]}\n`)
    .join('');
}

/** Modprobe has the same words for a module that is not there and for an index of modules that is not. */
function tellDepmod({ dirName, rawArgs }: Modprobe): string[] {
  if (!dirName || rawArgs?.load) return [];
  const release = '"$(cat /proc/sys/kernel/osrelease)"';
  const folder = `${shellQuote(`${dirName.replace(/\/+$/, '')}/lib/modules`)}/${release}`;
  const next = `run depmod -b ${shellQuote(dirName)} ${release} in the Dockerfile.`;
  const text = `echo ${folder} has no modules.dep, without which modprobe finds nothing: ${next}`;
  return [`[ ! -d ${folder} ] || [ -e ${folder}/modules.dep ] || ${text} >>${WORDS}`];
}

function directory({ dirName }: Modprobe): string[] {
  return dirName ? ['-d', dirName] : [];
}

/**
 * A module that is not there, or not loaded, is as good as removed, and its absence must not stand before the reason
 * why another one fails: only a module that stays is asked again, for its words.
 */
function removeInTree(module: string): string {
  const loaded = `/sys/module/${module.replaceAll('-', '_')}`;
  const remove = shellCommand(['modprobe', '-r', module]);
  return `{ ${remove} 2>/dev/null || [ ! -d ${shellQuote(loaded)} ] || ${remove}; }`;
}

function copyFirmware(path: string): string {
  return `cp -r ${shellQuote(`${path.replace(/\/+$/, '')}/.`)} ${FIRMWARE_DIRECTORY}`;
}

/** Only files and links that the image brought are removed, and folders only when nothing else is in them. */
function removeFirmware(path: string): string {
  const target = `${FIRMWARE_DIRECTORY}/{}`;
  const files = `find . ! -type d -exec ${shellCommand(['rm', '-f', target, ';'])}`;
  // Deepest first. rmdir refuses folders that are not empty: its words would only hide modprobe's.
  const folders = `find . -depth -type d ! -name . -exec ${shellCommand(['rmdir', target, ';'])}`;
  return `cd ${shellQuote(path)} && ${files} && { ${folders} 2>/dev/null || true; }`;
}
