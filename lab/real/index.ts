/** Real components for the lab: registry, toolkit image, certificates, and what must be installed for them. */
export { allOver } from './all-over.ts';
export { cacheDir } from './cache-dir.ts';
export {
  type CertificateFiles,
  makeClientCertificate,
  makeServerCertificates,
  makeSigningPair,
  type ServerCertificates,
} from './certificates.ts';
export { runCommand, tailOf } from './command.ts';
export { referenceFolder, unpackReference } from './debian-package.ts';
export { type Guest, startGuest, TEST_KEY } from './guests/guest.ts';
export { type GuestDisk, prepareGuestDisk } from './guests/guest-disk.ts';
export { HOST } from './guests/guest-files.ts';
export { keepRunning, type Supervised } from './keep-running.ts';
export { compareReleases, findLabKernels, kernelsWithHeaders, type LabKernels } from './kernels.ts';
export { spawnMortal, stopChild } from './mortal-child.ts';
export { isAlive, makeMortalFolder, removeFolder } from './mortal-folder.ts';
export {
  bundlePrograms,
  MALLOC,
  makeOperatorImages,
  NODE_FLAGS,
  OPERATOR_IMAGES,
  type OperatorImageName,
  type OperatorImages,
} from './operator-images.ts';
export { inTime, Lie, patiently, until } from './patience.ts';
export { readAuditLog } from './planes/audit-log.ts';
export { POLICY } from './planes/carry-policies.ts';
export { type FaultProxy, isWatch, type ProxyFault, startFaultProxy } from './planes/fault-proxy.ts';
export { type KubeAccess, writeKubeconfig } from './planes/kubeconfig.ts';
export { type Ocm, ocmProgram } from './planes/ocm.ts';
export { AGENT_NAMESPACE, AGENTS, type Agent, agentAccount, ocmHubObjects } from './planes/ocm-objects.ts';
export type { Plane, PlaneOptions } from './planes/plane.ts';
export { ADMIN, type User } from './planes/plane-access.ts';
export { type PolicyStack, startPolicyStack } from './planes/policy-stack.ts';
export { type Part, type Programs, planePrograms, planeProvider } from './planes/program.ts';
export {
  accountUser,
  LOCAL_CLUSTER,
  operatorUser,
  type RealFleet,
  type RealFleetOptions,
  startRealFleet,
} from './planes/real-fleet.ts';
export { requestToken, type TokenAccount } from './planes/request-token.ts';
export { startPlane } from './planes/start-plane.ts';
export { type GoTool, goTool, newestKubectl } from './planes/tools.ts';
export { freePort, type RealRegistry, startRegistry } from './registry.ts';
export {
  canInstall,
  findProgram,
  GUEST_PROGRAMS,
  installPrograms,
  isRoot,
  missingPrograms,
  PACKAGES,
  type Program,
} from './requirements.ts';
export { type Defer, type Started, startAll } from './start-all.ts';
export { type BaseImages, makeBaseImages } from './toolkit.ts';
export { makeToolkitImage } from './toolkit-image.ts';
export { unmountBelow } from './unmount.ts';
