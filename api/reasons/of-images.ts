import { error, ok, type ReasonEntry, waiting, warning } from './reason.ts';

/** What becomes of module images, from the recipe to the digest, and what is wrong inside of them. */
export const OF_IMAGES = {
  ArchitectureMismatch: warning(
    'A module in the image is for another architecture.',
    'Build it for that of the nodes.',
  ),
  BuildDiskFull: error(
    'The disk on which the operator builds is full. No image is to blame; the build is tried again until there is room.',
    'Make room in the folder that the message names, enlarge its volume, or set KMM_BUILD_DIR of the operator.',
  ),
  BuildFailed: error(
    'The build ended with an error. Clusters keep what they run.',
    'Read status.log of the ModuleImage, mend the Dockerfile in its ConfigMap; the build begins again by itself.',
  ),
  BuildStarted: ok('A build of the image has begun; the event names the command that shows its log.'),
  BuildTimedOut: error(
    'The build did not end in the time that a build may take, and was ended.',
    'Find the step that hangs in the log; raise KMM_BUILD_MINUTES_MAX of the operator where builds do take longer.',
  ),
  BuildTooLarge: error(
    'The disk of the builds grew by more than a build may write, and the build was ended.',
    'Find the step that writes so much in the log; raise KMM_BUILD_GIB_MAX of the operator where builds do need more.',
  ),
  BuilderMissing: error(
    'What builds images is missing, or does not begin.',
    'Read the message: buildah beside the operator, the image of the pods of Jobs, or the build controller of OpenShift.',
  ),
  Building: waiting('The image is being built.'),
  Built: ok('The image was built and pushed.'),
  CertificateExpired: error(
    'The certificate for signing has expired, or is not valid yet. Nothing is signed with it; what runs stays.',
    'Store a certificate that is valid now in the Secret of certSecret, with its key.',
  ),
  CertificateExpiresSoon: warning(
    'The certificate for signing expires within 30 days. What is signed stays good; nothing is signed after that.',
    'Enrol a new key on the nodes, then store it with its certificate: images are signed again, and not built.',
  ),
  CertificateInvalid: error(
    'The Secret holds no X.509 certificate.',
    'Store it under "cert", in DER or PEM.',
  ),
  ConfigMapKeyMissing: error(
    'A ConfigMap lacks the data key that is read, most often "dockerfile" in lower case.',
    'Rename the key, as the message says.',
  ),
  ConfigMapMissing: error(
    'A ConfigMap that a build refers to does not exist.',
    'Create it in the namespace of the hub operator; on a cluster without a hub, in that of the Module.',
  ),
  DependencyMissing: warning(
    'A module depends on one that is neither in the image nor in-tree.',
    'Copy that one too.',
  ),
  DepmodMissing: warning(
    'The image has no modules.dep, so modprobe finds nothing.',
    'Run depmod in the Dockerfile.',
  ),
  DepmodStale: warning(
    'modules.dep does not list every module.',
    'Run depmod after the last module was copied.',
  ),
  FirmwareMissing: warning(
    'A module asks for firmware that the image does not have.',
    'Copy it, or set firmwarePath.',
  ),
  ImageAwaited: waiting(
    'The image is to be built, and not by this operator (KMM_BUILDER=external). It is looked for again and again.',
    'Push it under the name in the message. A newer one under the same name is taken when imageRebuildTriggerGeneration is raised.',
  ),
  ImageBuilt: waiting('The cluster waits for an image that is built and is not signed yet.'),
  ImageBuilding: waiting('The cluster waits for an image that is being built.'),
  ImageCurrent: ok('The registry has the image, made from these very inputs.'),
  ImageExists: ok('The registry has the image, pushed by somebody else.'),
  ImageInvalid: error(
    'The image breaks the rules: it cannot be read or signed.',
    'Rebuild it; read the message.',
  ),
  ImageReady: waiting('The image is ready for an older recipe; the newer one is looked at.'),
  ImageSigning: waiting('The cluster waits for an image that is being signed.'),
  ImageWanted: waiting('The cluster waits for an image that nobody has looked for yet.'),
  ImageNotFound: error(
    'The registry does not have the image, and no build section makes it.',
    'Push the image, or add a build section to the mapping.',
  ),
  ImageVanished: error(
    'The registry does not have the image any more. Nodes that have it keep it; others cannot pull it.',
    'Wait: it is made again when it is still missing at the next look. With KMM_VANISHED_IMAGES=Report push it, or raise imageRebuildTriggerGeneration.',
  ),
  KernelMismatch: warning(
    'A module was built for another kernel than its folder says.',
    'Build it for that kernel.',
  ),
  LinkBroken: warning('A link in the image leads nowhere.', 'Copy the file.'),
  LinkLeavesRoot: warning(
    'A link leads out of the image.',
    'Link to a place inside of the image, or copy the file.',
  ),
  ModuleOutsideKernel: warning(
    'A module is in no folder of a kernel.',
    'Copy it to /opt/lib/modules/<kernel>.',
  ),
  ModuleUnreadable: warning('A module is no ELF file of a kernel module.', 'Build it again.'),
  NoModules: warning('The image holds no kernel module.', 'Copy the .ko files to /opt/lib/modules/<kernel>.'),
  ProgramMissing: error('A program that building needs is missing.', 'Install what the message names.'),
  Refused: error('The image is not made, and no finding says why.', 'Read the message of the ModuleImage.'),
  RegistryInvalid: error('What answers is no registry.', 'Check the address in containerImage.'),
  RegistryThrottled: waiting('The registry asks to wait.'),
  RegistryUnauthorized: error(
    'The registry refuses the credentials.',
    'Check the Secret of imageRepoSecret in the namespace of the hub operator.',
  ),
  RegistryUnreachable: error(
    'The registry does not answer.',
    'Check that the hub can reach it; see registryTLS.',
  ),
  SecretKeyMissing: error(
    'A Secret lacks the data key that is read.',
    'Rename the key, as the message says.',
  ),
  SecretMissing: error(
    'A Secret that an image refers to does not exist.',
    'Create it in the namespace of the hub operator; on a cluster without a hub, in that of the Module.',
  ),
  SignFailed: error('Signing ended with an error.', 'Check key and certificate in the signing Secrets.'),
  Signed: ok('The image was signed and pushed.'),
  Signing: waiting('The image is being signed.'),
  SigningKeyEncrypted: error(
    'The private key has a passphrase.',
    'Store it decrypted: openssl pkey -in key.pem -out plain.pem',
  ),
  SigningKeyInvalid: error(
    'The Secret holds no private key that kernels know.',
    'Store an RSA or EC key under "key".',
  ),
  SigningPairMismatch: error(
    'Key and certificate do not belong together.',
    'Store the two halves of one pair.',
  ),
  ToolkitInvalid: error('An entry of ConfigMap kmm-driver-toolkits cannot be read.', 'Correct the entry.'),
  ToolkitMissing: error(
    'DTK_AUTO stands in the Dockerfile, and no toolkit serves this kernel.',
    'Add "<kernel regexp> <image>" to ConfigMap kmm-driver-toolkits. On OpenShift the message says what its ImageStream has.',
  ),
  UnsignedAmongSigned: warning('Some modules of the image are signed and some are not.', 'Sign them all.'),
  Wanted: waiting('The image is wanted; the registry is asked for it.'),
} as const satisfies Record<string, ReasonEntry>;
