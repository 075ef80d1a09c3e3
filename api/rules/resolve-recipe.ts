import { bad, type Checked, found, good } from '../finding.ts';
import type { Build, Modprobe, Sign, TlsOptions } from '../kinds/loader.ts';
import type { ModuleSpec } from '../kinds/module.ts';
import { parseImageReference } from './image-reference.ts';
import { kernelKey, kernelVariables } from './kernel.ts';
import { mergeMapping } from './merge-mapping.ts';
import { selectMapping } from './select-mapping.ts';
import { substitute } from './substitute.ts';

/** Everything about one module on one kernel, with nothing left to look up. */
export interface LoaderRecipe {
  /** Without a trailing '+'. */
  readonly kernel: string;
  readonly image: string;
  readonly build?: Build;
  readonly sign?: Sign;
  readonly registryTLS?: TlsOptions;
  readonly inTreeModulesToRemove: readonly string[];
  readonly modprobe: Modprobe;
}

/** A module as far as names in templates depend on it. On the hub the namespace is the operator's. */
export interface ModuleIdentity {
  readonly name: string;
  readonly namespace: string;
}

/**
 * Selects the mapping for a kernel, merges and substitutes it. A kernel without a mapping is a finding.
 *
 * @param path of the spec in the user's object, for findings
 */
export function resolveRecipe(
  module: ModuleIdentity,
  spec: ModuleSpec,
  release: string,
  path = 'spec',
): Checked<LoaderRecipe> {
  const kernel = kernelKey(release);
  const container = spec.moduleLoader?.container;
  const selected = container && selectMapping(container.kernelMappings, kernel);
  if (!container || !selected) return bad(notMapped(kernel, path));
  const kernelNames = kernelVariables(kernel);
  if (!kernelNames.ok) return kernelNames;
  const names = { ...kernelNames.value };
  const merged = mergeMapping(container, selected.mapping);
  const image = substitute(merged.containerImage, {
    ...names,
    MOD_NAME: module.name,
    MOD_NAMESPACE: module.namespace,
  });
  const reference = parseImageReference(image);
  if (!reference.ok) return bad(...reference.findings.map((finding) => at(finding, selected.index, path)));
  return good({
    kernel,
    image,
    ...(merged.build && { build: merged.build }),
    ...(merged.sign && { sign: substituteSign(merged.sign, names) }),
    ...(merged.registryTLS && { registryTLS: merged.registryTLS }),
    inTreeModulesToRemove: [...merged.inTreeModulesToRemove],
    modprobe: container.modprobe,
  });
}

const MAPPINGS = 'moduleLoader.container.kernelMappings';

function substituteSign(sign: Sign, names: Readonly<Record<string, string>>): Sign {
  return {
    ...sign,
    ...(sign.unsignedImage && { unsignedImage: substitute(sign.unsignedImage, names) }),
    ...(sign.filesToSign && { filesToSign: sign.filesToSign.map((path) => substitute(path, names)) }),
  };
}

function notMapped(kernel: string, spec: string) {
  const path = `${spec}.${MAPPINGS}`;
  const next = 'Add a literal or a regexp for it.';
  return found('KernelNotMapped', path, `No kernel mapping matches kernel ${kernel}.`, next);
}

function at<F extends { path: string }>(finding: F, index: number, spec: string): F {
  return { ...finding, path: `${spec}.${MAPPINGS}[${index}].containerImage` };
}
