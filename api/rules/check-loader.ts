import { type Finding, found, warned } from '../finding.ts';
import type { KernelMapping, LoaderContainer, Modprobe, Sign } from '../kinds/loader.ts';
import { globProblem } from './glob.ts';
import { type MergedMapping, mergeMapping } from './merge-mapping.ts';
import { isPlaceholder } from './placeholders.ts';
import { regexpProblem } from './regexp.ts';

/** Rules on a loader that upstream's webhook checks; those that CEL can tell stand in the CRD too. */
export function checkLoader(container: LoaderContainer, path: string): Finding[] {
  return [
    ...container.kernelMappings.flatMap((mapping, index) =>
      checkMapping(mapping, container, `${path}.kernelMappings[${index}]`),
    ),
    ...checkInTree(container, path),
    ...checkInTreeAcrossLevels(container, path),
    ...checkFilesToSign(container.sign, path),
    ...checkModprobe(container.modprobe, `${path}.modprobe`),
    ...container.kernelMappings.flatMap((mapping, index) => {
      const merged = mergeMapping(container, mapping);
      const at = `${path}.kernelMappings[${index}]`;
      return [...checkRecipe(merged, at), ...checkTag(merged, mapping, at)];
    }),
  ];
}

function checkMapping(mapping: KernelMapping, container: LoaderContainer, path: string): Finding[] {
  const findings = [
    ...checkMatch(mapping, path),
    ...checkInTree(mapping, path),
    ...checkFilesToSign(mapping.sign, path),
  ];
  const image = mapping.containerImage || container.containerImage;
  if (!image) {
    const next = 'Set it here or at spec.moduleLoader.container.';
    findings.push(found('ImageMissing', `${path}.containerImage`, 'No containerImage is given.', next));
  } else if (!isPlaceholder(image) && !/[:@]/.test(image.slice(image.lastIndexOf('/') + 1))) {
    const message = `"${image}" has no tag and means :latest.`;
    findings.push(warned('ImageWithoutTag', `${path}.containerImage`, message, 'Name a tag or a digest.'));
  }
  return findings;
}

function checkMatch({ literal, regexp }: KernelMapping, path: string): Finding[] {
  if (literal && regexp) {
    return [found('FieldsExclusive', path, 'literal and regexp exclude each other.', 'Keep one of them.')];
  }
  if (!literal && !regexp)
    return [found('MatchMissing', path, 'Neither literal nor regexp is set.', 'Set one of them.')];
  const problem = regexp ? regexpProblem(regexp) : undefined;
  if (!problem && /(^|[^\\])(\\\\)*\\[afnrtv]/.test(regexp ?? '')) {
    const message = `"${regexp}" matches a control character, which no kernel release has.`;
    return [warned('RegexpDoubtful', `${path}.regexp`, message, 'Write \\. for a dot.')];
  }
  if (!problem) return [];
  const next = 'Use RE2 syntax: no lookaround, no back-references.';
  return [found('RegexpInvalid', `${path}.regexp`, `"${regexp}" does not compile: ${problem}.`, next)];
}

function checkFilesToSign(sign: Pick<Sign, 'filesToSign'> | undefined, path: string): Finding[] {
  return (sign?.filesToSign ?? []).flatMap((pattern, index) => {
    const problem = globProblem(pattern);
    if (!problem) return [];
    const field = `${path}.sign.filesToSign[${index}]`;
    const shown = pattern.length > 100 ? `${pattern.slice(0, 100)}…` : pattern;
    return [found('GlobInvalid', field, `"${shown}": ${problem.message}.`, problem.next)];
  });
}

function checkInTree(
  level: { inTreeModuleToRemove?: string | undefined; inTreeModulesToRemove?: readonly string[] | undefined },
  path: string,
): Finding[] {
  if (!level.inTreeModuleToRemove || !level.inTreeModulesToRemove) return [];
  const message = 'inTreeModuleToRemove and inTreeModulesToRemove exclude each other.';
  return [found('FieldsExclusive', path, message, 'Keep inTreeModulesToRemove.')];
}

function checkInTreeAcrossLevels(container: LoaderContainer, path: string): Finding[] {
  return container.kernelMappings.flatMap((mapping, index) => {
    const mixed =
      (container.inTreeModuleToRemove && mapping.inTreeModulesToRemove) ||
      (container.inTreeModulesToRemove && mapping.inTreeModuleToRemove);
    if (!mixed) return [];
    const message = 'The mapping and the container use different forms of inTreeModulesToRemove.';
    return [
      found(
        'FieldsExclusive',
        `${path}.kernelMappings[${index}]`,
        message,
        'Use inTreeModulesToRemove in both.',
      ),
    ];
  });
}

function checkModprobe(modprobe: Modprobe, path: string): Finding[] {
  const { moduleName, rawArgs } = modprobe;
  const findings = checkOrder(modprobe, path);
  if (moduleName && (rawArgs?.load || rawArgs?.unload)) {
    const message = 'rawArgs are the whole command and exclude moduleName.';
    findings.push(found('FieldsExclusive', `${path}.rawArgs`, message, 'Remove rawArgs or moduleName.'));
  }
  if (!moduleName && !(rawArgs?.load && rawArgs.unload)) {
    const next = 'Set moduleName, or both rawArgs.load and rawArgs.unload.';
    findings.push(
      found('ModuleNameMissing', `${path}.moduleName`, 'Nothing says which module to load.', next),
    );
  }
  return findings;
}

function checkOrder({ modulesLoadingOrder: order, moduleName }: Modprobe, path: string): Finding[] {
  if (!order) return [];
  const field = `${path}.modulesLoadingOrder`;
  const problems = [
    order.length < 2 && 'needs at least two modules',
    order[0] !== moduleName && 'must begin with moduleName',
    new Set(order).size < order.length && 'names a module twice',
  ].filter((problem) => problem !== false);
  return problems.map((problem) =>
    found(
      'LoadingOrderInvalid',
      field,
      `modulesLoadingOrder ${problem}.`,
      'List each module once, the topmost first.',
    ),
  );
}

/** What container and mapping say together: a level may leave to the other what its own schema does not demand. */
function checkRecipe({ build, sign }: MergedMapping, path: string): Finding[] {
  const named = [
    { field: 'build.dockerfileConfigMap', reference: build?.dockerfileConfigMap },
    { field: 'sign.keySecret', reference: sign?.keySecret },
    { field: 'sign.certSecret', reference: sign?.certSecret },
  ];
  const unnamed = named.filter(({ reference }) => reference && !reference.name);
  const findings = unnamed.map(({ field }) =>
    found('NameMissing', `${path}.${field}.name`, `${field} names no object.`, 'Set its name.'),
  );
  if (!sign || build || sign.unsignedImage) return findings;
  const message = 'Nothing is built and no image to sign is named.';
  const next = 'Add unsignedImage or build.';
  return [...findings, found('UnsignedImageMissing', `${path}.sign.unsignedImage`, message, next)];
}

/** What is built for each kernel that a regexp matches needs a tag of its own. */
function checkTag({ containerImage, build }: MergedMapping, { regexp }: KernelMapping, path: string) {
  if (!regexp || !build || !containerImage || containerImage.includes('$')) return [];
  const message = `"${containerImage}" is the tag of all kernels that match: each image takes it from the one before.`;
  const next = 'Put ${KERNEL_FULL_VERSION} into the tag.';
  return [warned('ImageTagShared', `${path}.containerImage`, message, next)];
}
