import type { LoaderStep, TestModule } from './scenario.ts';

const FOLDER = '/opt/lib/modules/RELEASE';
export const insmod = (module: TestModule, rest = '') => `insmod ${FOLDER}/${module}.ko${rest}`;
export const couldNot = (module: TestModule, why: string) =>
  `modprobe: ERROR: could not insert '${module}': ${why}`;
export const notFound = (module: string, folder = FOLDER) =>
  `modprobe: FATAL: Module ${module} not found in directory ${folder}`;
/** @param users modules that hold it */
export const inUse = (module: TestModule, references: number, ...users: readonly TestModule[]) => [
  `modprobe: FATAL: Module ${module} is in use.`,
  ...heldBy(module, references, users),
];
/** What the hook adds of a module that stays. */
export const heldBy = (module: string, references: number, users: readonly string[]) => [
  `Module ${module} is used by: ${users.join(' ') || 'no module'} (references: ${references}).`,
  ...(references > users.length
    ? ['Programs that use it, such as by an open device, are named by lsof or fuser on the node.']
    : []),
];
export const REJECTED = 'Key was rejected by service';
export const UNKNOWN_SYMBOL = 'Unknown symbol in module, or unknown parameter (see dmesg)';

export const DEPMOD_MISSING = `${FOLDER} has no modules.dep, without which modprobe finds nothing: run depmod -b /opt RELEASE in the Dockerfile.`;

/** A module that does not come: modprobe names it, the hook prints that too and ends with modprobe's code. */
export function refused(module: TestModule, why: string, log: readonly string[] = []): LoaderStep {
  const words = [couldNot(module, why)];
  return { load: { moduleName: module }, code: 1, output: [insmod(module), ...words], words, log };
}
