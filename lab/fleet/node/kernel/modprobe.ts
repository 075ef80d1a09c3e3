import type { ContainerFs } from '../files/container-fs.ts';
import { modprobeError } from './errno.ts';
import type { Kernel } from './kernel.ts';
import { type ModprobeConfig, softDependenciesOf } from './modprobe-config.ts';
import {
  exportersOf,
  type IndexedModule,
  type ModuleIndex,
  moduleName,
  readModuleFile,
} from './module-index.ts';
import type { Errno } from './plan-load.ts';

/** One call of modprobe: what it reads, what it was told, and where its words go. */
export interface KmodRun {
  readonly fs: ContainerFs;
  readonly kernel: Kernel;
  readonly index: ModuleIndex;
  readonly config: ModprobeConfig;
  readonly mayLoadModules: boolean;
  readonly isVerbose: boolean;
  readonly isQuiet: boolean;
  readonly isDryRun: boolean;
  readonly isFirstTime: boolean;
  readonly usesBlacklist: boolean;
  show(line: string): void;
  fatal(message: string): void;
  error(message: string): void;
}

type Parameters = Readonly<Record<string, string>>;

interface Step {
  readonly module: IndexedModule;
  /** A failure stops everything; that of a soft dependency does not. */
  readonly isRequired: boolean;
}

/** Loads a module with what it needs, in kmod's order. Returns whether it went well. */
export function insertModule(run: KmodRun, name: string, parameters: Parameters): boolean {
  const targets = lookUp(run, name);
  if (targets.length === 0) {
    if (run.index.isBuiltIn(name)) return alreadyThere(run, name, 'Module already in kernel');
    run.fatal(`Module ${name} not found in directory ${run.index.directory}`);
    return false;
  }
  return targets.map((target) => insertOne(run, target, parameters)).every(Boolean);
}

function insertOne(run: KmodRun, target: IndexedModule, parameters: Parameters): boolean {
  if (run.kernel.isLoaded(target.name)) return alreadyThere(run, target.name, modprobeError('EEXIST'));
  if (run.usesBlacklist && run.config.isBlacklisted(target.name)) return true;
  const exporters = exportersOf(run.fs, run.index.all());
  for (const { module, isRequired } of plannedSteps(run, target)) {
    if (run.kernel.isLoaded(module.name) || run.index.isBuiltIn(module.name)) continue;
    const own = module.name === target.name ? parameters : {};
    const errno = insertFile(run, module, { ...run.config.options(module.name), ...own }, exporters);
    if (!errno || errno === 'EEXIST' || !isRequired) continue;
    run.error(`could not insert '${target.name}': ${modprobeError(errno)}`);
    return false;
  }
  return true;
}

function insertFile(
  run: KmodRun,
  module: IndexedModule,
  parameters: Parameters,
  exporters: ReadonlyMap<string, string>,
): Errno | undefined {
  const shown = Object.entries(parameters).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  if (run.isVerbose) run.show(`insmod ${module.path} ${shown.join(' ')}`);
  if (run.isDryRun) return undefined;
  const bytes = readModuleFile(run.fs, module.path);
  if (!bytes) {
    const where = '../libkmod/libkmod-module.c:838 kmod_module_insert_module()';
    run.error(`${where} could not find module by name='${module.name}'`);
    return 'ENOENT';
  }
  if (!run.mayLoadModules) return 'EPERM';
  return run.kernel.load(bytes, { parameters, exporters, process: 'modprobe' });
}

function alreadyThere(run: KmodRun, name: string, words: string): boolean {
  if (run.isFirstTime) run.error(`could not insert '${name}': ${words}`);
  return !run.isFirstTime;
}

/** Modules that a name stands for: itself, else what aliases say. */
function lookUp(run: KmodRun, name: string): IndexedModule[] {
  const alias = run.config.alias(name);
  const direct = run.index.find(alias ?? name);
  if (direct) return [direct];
  return run.index.aliases(name).flatMap((module) => run.index.find(module) ?? []);
}

/** Dependencies, soft dependencies and the module itself, each once; a circle of soft dependencies ends by itself. */
function plannedSteps(run: KmodRun, target: IndexedModule): Step[] {
  const steps = new Map<string, Step>();
  const visited = new Set<string>();
  const add = (module: IndexedModule, isRequired: boolean) => {
    if (visited.has(module.name)) return;
    visited.add(module.name);
    const soft = softDependenciesOf(run.fs, run.config, module);
    const addSoft = (names: readonly string[]) => {
      for (const name of names) for (const found of lookUp(run, name)) add(found, false);
    };
    addSoft(soft.pre);
    for (const name of module.dependencies) {
      const dependency = run.index.find(name);
      if (dependency) add(dependency, isRequired);
    }
    steps.set(module.name, { module, isRequired });
    addSoft(soft.post);
  };
  add(target, true);
  return [...steps.values()];
}

/** Removes a module and what only it needed. Returns whether it went well. */
export function removeModule(run: KmodRun, name: string): boolean {
  const targets = lookUp(run, name);
  if (targets.length === 0) {
    run.fatal(
      run.index.isBuiltIn(name) ? `Module ${moduleName(name)} is builtin.` : `Module ${name} not found.`,
    );
    return false;
  }
  return targets.map((target) => removeOne(run, target, false, new Set())).every(Boolean);
}

/** @param quiet a module that is still in use stays without a word: it was only taken along */
function removeOne(run: KmodRun, module: IndexedModule, quiet: boolean, visited: Set<string>): boolean {
  if (visited.has(module.name)) return true;
  visited.add(module.name);
  if (!run.kernel.isLoaded(module.name)) {
    if (run.isFirstTime && !quiet) run.fatal(`Module ${module.name} is not in kernel.`);
    return !run.isFirstTime || quiet;
  }
  const soft = softDependenciesOf(run.fs, run.config, module);
  removeOthers(run, soft.post.toReversed(), visited);
  const left = run.kernel.modules().find(({ name }) => name === module.name);
  if ((left?.refcount ?? 0) > 0) {
    if (!quiet) run.fatal(`Module ${module.name} is in use.`);
    return false;
  }
  if (run.isVerbose) run.show(`rmmod ${module.name}`);
  const errno = run.isDryRun ? undefined : run.mayLoadModules ? run.kernel.unload(module.name) : 'EPERM';
  if (errno) {
    run.error(`could not remove '${module.name}': ${modprobeError(errno)}`);
    return false;
  }
  removeOthers(run, module.dependencies.toReversed(), visited);
  removeOthers(run, soft.pre.toReversed(), visited);
  return true;
}

function removeOthers(run: KmodRun, names: readonly string[], visited: Set<string>): void {
  for (const name of names) {
    const module = run.index.find(name);
    if (module) removeOne(run, module, true, visited);
  }
}
