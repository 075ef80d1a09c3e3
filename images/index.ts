/**
 * Everything about module images.
 *
 * registry/   client of OCI registries, credentials
 * layers/     file systems of images: reading, laying over each other, writing
 * module/     what a kernel module says about itself
 * inspect/    what an image holds for kernels, what is wrong with it, what its signatures are worth
 * signing/    signatures of kernel modules, as sign-file writes them, and signed images
 * builders/   how an image is made from a Dockerfile
 * toolkits/   which toolkit image DTK_AUTO stands for
 * wanted/     which images are wanted, by whom, and the ModuleImages that say so
 * factory/    the ModuleImage controller: inputs, plan, build, sign, status
 */

export { createBuildah } from './builders/buildah.ts';
export { type Builder, type BuildRequest, buildLog } from './builders/builder.ts';
export { configuredImages } from './factory/configured-images.ts';
export { type ImageLimits, imageLimits } from './factory/limits.ts';
export { createImages, type Images, type ImagesPorts } from './factory/start-images.ts';
export {
  type ImageContents,
  imageWarnings,
  type KernelFolder,
  type ModuleFile,
  openImage,
  readImage,
  type VerifiedModule,
  verifyImage,
} from './inspect/index.ts';
export { createImageFs, type FsEntry, type ImageFs } from './layers/image-fs.ts';
export { type PulledImage, pullImage } from './layers/pull-image.ts';
export { type ModuleInfo, readModule } from './module/read-module.ts';
export { credentialsFor } from './registry/credentials.ts';
export { plainText } from './registry/plain-text.ts';
export { createRegistry, type Registry, type RemoteImage } from './registry/registry.ts';
export { createRegistryTransport, type RegistryTransport } from './registry/transport.ts';
export type { RegistryAccess } from './registry/types.ts';
export { certificateExpiry, type Expiry, readCertificates } from './signing/certificate.ts';
export { readSignature, type SigningPair, signModule } from './signing/module-signature.ts';
export { signImage } from './signing/sign-image.ts';
export { stripSignature } from './signing/signature-block.ts';
export { readSigningPair } from './signing/signing-pair.ts';
export { type Verdict, verifyModule } from './signing/verify-module.ts';
export { planToolkit, usesToolkit } from './toolkits/plan-toolkit.ts';
export { createSystems, type Systems } from './toolkits/systems.ts';
export { readToolkitStream } from './toolkits/toolkit-stream.ts';
export { reconcileImageObject } from './wanted/reconcile-image-object.ts';
export { isSameImage } from './wanted/same-image.ts';
export { createWantedImages, isWanted } from './wanted/wanted-images.ts';
