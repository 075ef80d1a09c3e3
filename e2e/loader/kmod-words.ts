import type { LoaderStep, TestModule } from './scenario.ts';

const FOLDER = '/opt/lib/modules/RELEASE';
export const insmod = (module: TestModule, rest = '') => `insmod ${FOLDER}/${module}.ko${rest}`;
export const couldNot = (module: TestModule, why: string) =>
  `modprobe: ERROR: could not insert '${module}': ${why}`;
export const notFound = (module: string, folder = FOLDER) =>
  `modprobe: FATAL: Module ${module} not found in directory ${folder}`;
export const inUse = (module: TestModule) => `modprobe: FATAL: Module ${module} is in use.`;
export const REJECTED = 'Key was rejected by service';
export const UNKNOWN_SYMBOL = 'Unknown symbol in module, or unknown parameter (see dmesg)';

export const DEPMOD_MISSING = `${FOLDER} has no modules.dep, without which modprobe finds nothing: run depmod -b /opt RELEASE in the Dockerfile.`;

/** A module that does not come: modprobe names it, the hook prints that too and ends with modprobe's code. */
export function refused(module: TestModule, why: string, log: readonly string[] = []): LoaderStep {
  const words = [couldNot(module, why)];
  return { load: { moduleName: module }, code: 1, output: [insmod(module), ...words], words, log };
}
