import { error, type ReasonEntry, warning } from './reason.ts';

/** What can be wrong in what a user writes. The message names the field; nothing is changed anywhere until it is mended. */
export const OF_SPECS = {
  BaseImageInvalid: error(
    'A FROM of the Dockerfile names no image.',
    'Correct the FROM line that the message names.',
  ),
  BuildOnManagedSpoke: error(
    'A Module with build or sign was applied to a cluster that a hub manages; only the hub builds.',
    'Write a ManagedClusterModule on the hub, or name an image that exists.',
  ),
  DockerfileInvalid: error(
    'The Dockerfile has no FROM, or a line that is no instruction.',
    'Correct the line that the message names, in the ConfigMap.',
  ),
  FieldInvalid: error(
    'A field has a value that it cannot have.',
    'Correct the field that the message names.',
  ),
  FieldMissing: error('A required field is missing.', 'Add the field that the message names.'),
  FieldsExclusive: error('Two fields exclude each other.', 'Keep one of the two.'),
  FileEmpty: error('The file holds no object.', 'Put a Module or a ManagedClusterModule in it.'),
  FileUnreadable: error('The file cannot be read.', 'Check the path and its rights; - is standard input.'),
  GlobInvalid: error(
    'An entry of filesToSign is neither a path that Linux takes nor a glob of *, ? and […].',
    'Write one entry for each alternative, without braces; shorten long names with *.',
  ),
  ImageMissing: error('A mapping has no containerImage, and neither has the container.', 'Name an image.'),
  ImageReferenceInvalid: error(
    'An image reference cannot be parsed, perhaps after its variables were put in.',
    'Write registry/repository:tag; check the variables in it.',
  ),
  ImageTagShared: warning(
    'Images of several kernels are built under one tag. They are built one after the other and pinned by digest, but a registry may remove those that the tag has left.',
    'Put ${KERNEL_FULL_VERSION} into containerImage.',
  ),
  ImageWithoutTag: warning(
    'An image names neither tag nor digest, so :latest is meant.',
    'Name a tag or a digest.',
  ),
  Invalid: error(
    'The object breaks a rule that has no name of its own.',
    'Read the message of the condition.',
  ),
  KindUnknown: error(
    'The object is of a kind that is not KMM’s.',
    'Write a Module or a ManagedClusterModule.',
  ),
  LoadingOrderInvalid: error(
    'modulesLoadingOrder has fewer than two names, names one twice, or does not begin with moduleName.',
    'List moduleName first, then what it depends on.',
  ),
  MatchMissing: error('A mapping has neither literal nor regexp.', 'Set one of them.'),
  ModuleNameMissing: error(
    'Nothing says which kernel module to load.',
    'Set modprobe.moduleName, or both lists of rawArgs.',
  ),
  NameInvalid: error(
    'The name is no name of a Kubernetes object.',
    'Use lower case letters, digits, - and dots.',
  ),
  NameMissing: error('A reference to a Secret or a ConfigMap names no object.', 'Set its name.'),
  NameTooLong: error(
    'Names of labels and works made of this name would be too long.',
    'Choose a shorter name.',
  ),
  NamespaceInvalid: error('The namespace is no DNS label.', 'Use lower case letters, digits and -.'),
  NotAnObject: error('A YAML document is not an object.', 'Remove it, or write an object.'),
  NotDeployed: warning('The section is accepted and not deployed yet.', 'Do not rely on it.'),
  NothingDeployed: warning(
    'The spec has neither moduleLoader nor devicePlugin: nothing is loaded or deployed.',
    'Add one of them.',
  ),
  NothingToCheck: error(
    'The file has objects, and none is of a kind that can be checked.',
    'Name another file.',
  ),
  Placeholder: warning('A value still has a <placeholder>.', 'Put in the value.'),
  RecipeConflict: error(
    'Two modules want different contents under one image name; neither is built.',
    'Give each module an image name of its own, for instance with ${MOD_NAME} in it.',
  ),
  RegexpDoubtful: warning(
    'A regexp matches more kernels than it looks: a dot stands for any character.',
    'Write \\. for a dot.',
  ),
  RegexpInvalid: error(
    'A regexp does not compile as RE2.',
    'Correct it; RE2 has no look-around and no back-references.',
  ),
  TolerationInvalid: error(
    'A toleration breaks the rules of Kubernetes.',
    'Correct the field that the message names.',
  ),
  UnknownField: warning(
    'A field is not known and will be dropped.',
    'Check its spelling and its indentation.',
  ),
  UnsignedImageMissing: error(
    'sign has nothing to sign: there is neither build nor unsignedImage.',
    'Add one of them.',
  ),
  VersionToggled: error(
    'container.version was added to, or taken from, a Module that runs.',
    'Delete the Module and create it again.',
  ),
  YamlInvalid: error('The file is not YAML.', 'Correct the syntax at the place that the message names.'),
} as const satisfies Record<string, ReasonEntry>;
