/**
 * The contract that hub and spoke share. Everything here is pure.
 *
 * names, resources   labels, annotations, finalizers, claims, and where kinds live in the API
 * kinds/             zod schemas and types: Module, ManagedClusterModule, ModuleImage, views of OCM's kinds
 * finding            a user's mistake as a value
 * words              numbers and other people's words in our sentences
 * buildah-container  what it needs of the pod that it is in
 * image-settings     from the environment of whoever makes images
 * reasons/           the one vocabulary of reasons; docs/reasons.md is generated from it
 * rules/             what both sides must agree on: validation, kernel mapping, merging, substitution, image
 *                    references, trimming, claims, conditions
 * generating/        the CRDs: ours under crds/, those of OCM under lab/crds/; docs/api.md; see generate.ts
 */
export * from './buildah-container.ts';
export * from './finding.ts';
export { ownDefinitions } from './generating/index.ts';
export * from './image-settings.ts';
export type { Condition, ObjectMeta as ObjectMetaView } from './kinds/common.ts';
export type { Build, KernelMapping, LoaderContainer, Modprobe, Sign, TlsOptions } from './kinds/loader.ts';
export { ManagedClusterModule, type ManagedClusterModuleStatus } from './kinds/managed-cluster-module.ts';
export {
  type DevicePlugin,
  Module,
  type ModuleSpec,
  type ModuleStatus,
  type Toleration,
} from './kinds/module.ts';
export {
  type ImageState,
  ModuleImage,
  type ModuleImageSpec,
  type ModuleImageStatus,
} from './kinds/module-image.ts';
export {
  type AppliedManifestWork,
  type Claim,
  type ClusterClaim,
  ManagedCluster,
  type Manifest,
  ManifestWork,
  type OcmCondition,
} from './kinds/ocm.ts';
export * from './names.ts';
export { isReason, REASONS, type Reason, reasonEntry, reasonLink } from './reasons/index.ts';
export type { ReasonEntry, Severity } from './reasons/reason.ts';
export { RESOURCES } from './resources.ts';
export { type AdmissionAnswer, answerReview } from './rules/admission.ts';
export { checkManagedClusterModule, checkModule } from './rules/check.ts';
export { isTrue, type NextCondition, setConditions } from './rules/conditions.ts';
export { compileGlobs, globProblem, NAME_BYTES_MAX, PATH_BYTES_MAX } from './rules/glob.ts';
export {
  formatImageReference,
  type ImageReference,
  parseImageReference,
  unsignedReference,
  withDigest,
} from './rules/image-reference.ts';
export { type KernelVariables, kernelKey, kernelVariables } from './rules/kernel.ts';
export {
  isKernelClaim,
  KERNELS_MAX,
  kernelClaims,
  kernelsFromClaims,
} from './rules/kernel-claims.ts';
export {
  FAILURE_FEEDBACK,
  FEEDBACK_NAMES,
  manifestWorkFor,
  WORK_NAME_CHARS_MAX,
} from './rules/manifest-work.ts';
export { type MergedMapping, mergeMapping } from './rules/merge-mapping.ts';
export {
  cannotPull,
  imageContents,
  imageSpecOf,
  imageWait,
  isStuck,
  readyDigest,
} from './rules/module-image.ts';
export { fnv64, hashedName, moduleImageName } from './rules/names-of-objects.ts';
export { nearest } from './rules/nearest.ts';
export {
  coreOsVersion,
  isNodeClaim,
  type NodeSystem,
  nodeClaimNames,
  systemsClaim,
  systemsFromClaims,
} from './rules/node-systems.ts';
export { type Pin, pinnedModule } from './rules/pinned-module.ts';
export { kubeletWords, moreOfPod } from './rules/pod-words.ts';
export {
  checkBuildSecret,
  checkDockerfileConfigMap,
  checkPullSecret,
  checkSigningSecret,
  readDataKey,
  readDockerfile,
} from './rules/referenced-data.ts';
export { findRegexp, regexpProblem } from './rules/regexp.ts';
export { type LoaderRecipe, type ModuleIdentity, resolveRecipe } from './rules/resolve-recipe.ts';
export { selectMapping } from './rules/select-mapping.ts';
export { matchesSelector } from './rules/selector.ts';
export { substitute } from './rules/substitute.ts';
export * from './words.ts';
