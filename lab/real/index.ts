/** Real components for the lab: registry, toolkit image, certificates, and what must be installed for them. */
export { cacheDir } from './cache-dir.ts';
export {
  type CertificateFiles,
  makeClientCertificate,
  makeServerCertificates,
  makeSigningPair,
  makeTokenKeys,
  type ServerCertificates,
} from './certificates.ts';
export { lastLines, runCommand } from './command.ts';
export { referenceFolder, unpackReference } from './debian-package.ts';
export { findLabKernels, type LabKernels } from './kernels.ts';
export { freePort, type RealRegistry, startRegistry, stopChild } from './registry.ts';
export {
  canInstall,
  findProgram,
  installPrograms,
  isRoot,
  missingPrograms,
  PACKAGES,
  type Program,
} from './requirements.ts';
export { type BaseImages, makeBaseImages, pushBaseImages } from './toolkit.ts';
export { unmountBelow } from './unmount.ts';
