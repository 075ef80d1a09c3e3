import type { Build, KernelMapping, LoaderContainer, Sign, TlsOptions } from '../kinds/loader.ts';

/** One mapping merged over its container, before substitution. */
export interface MergedMapping {
  readonly containerImage: string;
  readonly build?: Build;
  readonly sign?: Sign;
  readonly registryTLS?: TlsOptions;
  readonly inTreeModulesToRemove: readonly string[];
}

/**
 * What a mapping means together with the container level. As in KMM, with one mend: scalar options of a mapping's
 * build and sign (TLS, selector, kaniko tag) override the container's, where KMM drops them when both levels exist.
 */
export function mergeMapping(container: LoaderContainer, mapping: KernelMapping): MergedMapping {
  const build = mergeBuild(container.build, mapping.build);
  const sign = mergeSign(container.sign, mapping.sign);
  const registryTLS = mapping.registryTLS ?? container.registryTLS;
  return {
    containerImage: mapping.containerImage || container.containerImage || '',
    ...(build && { build }),
    ...(sign && { sign }),
    ...(registryTLS && { registryTLS }),
    inTreeModulesToRemove: inTreeModules(mapping) ?? inTreeModules(container) ?? [],
  };
}

function mergeBuild(base: Build | undefined, over: Build | undefined): Build | undefined {
  if (!base || !over) return base ?? over;
  const secrets = [...(base.secrets ?? []), ...(over.secrets ?? [])];
  const overridden = new Map((over.buildArgs ?? []).map((argument) => [argument.name, argument]));
  const kept = (base.buildArgs ?? []).map((argument) => overridden.get(argument.name) ?? argument);
  const added = (over.buildArgs ?? []).filter(({ name }) => !kept.some((argument) => argument.name === name));
  return {
    ...base,
    ...over,
    dockerfileConfigMap: over.dockerfileConfigMap.name ? over.dockerfileConfigMap : base.dockerfileConfigMap,
    buildArgs: [...kept, ...added],
    ...(secrets.length > 0 && { secrets }),
  };
}

function mergeSign(base: Sign | undefined, over: Sign | undefined): Sign | undefined {
  if (!base || !over) return base ?? over;
  return {
    ...base,
    ...over,
    ...(!over.unsignedImage && base.unsignedImage && { unsignedImage: base.unsignedImage }),
    keySecret: over.keySecret.name ? over.keySecret : base.keySecret,
    certSecret: over.certSecret.name ? over.certSecret : base.certSecret,
    filesToSign: [...(base.filesToSign ?? []), ...(over.filesToSign ?? [])],
  };
}

function inTreeModules(level: {
  inTreeModulesToRemove?: readonly string[] | undefined;
  inTreeModuleToRemove?: string | undefined;
}): readonly string[] | undefined {
  if (level.inTreeModulesToRemove) return level.inTreeModulesToRemove;
  return level.inTreeModuleToRemove ? [level.inTreeModuleToRemove] : undefined;
}
