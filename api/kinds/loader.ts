import * as z from 'zod';
import { LabelMap, LocalObjectReference, withRules } from './common.ts';

/** The `moduleLoader` half of a Module: where images come from and how modprobe is called. All eras of KMM. */

export const TlsOptions = z
  .strictObject({
    insecure: z.boolean().optional().describe('Speak plain HTTP.'),
    insecureSkipTLSVerify: z.boolean().optional().describe('Accept any certificate.'),
  })
  .describe('How a registry is spoken to.');
export type TlsOptions = z.infer<typeof TlsOptions>;

export const BuildArg = z.strictObject({
  name: z.string().min(1).max(256).describe('Name of the ARG.'),
  value: z.string().max(32768).describe('Its value, as text.'),
});

export const Build = z
  .strictObject({
    buildArgs: z.array(BuildArg).max(256).optional().describe('Arguments of the Dockerfile.'),
    dockerfileConfigMap: LocalObjectReference.describe(
      'ConfigMap with the Dockerfile under key `dockerfile`.',
    ),
    baseImageRegistryTLS: TlsOptions.optional().describe('For the images after FROM.'),
    secrets: z.array(LocalObjectReference).max(64).optional().describe('Mounted at /run/secrets/<name>.'),
    kanikoParams: z
      .strictObject({ tag: z.string().max(128).optional() })
      .optional()
      .describe('Accepted, not used.'),
    selector: LabelMap.optional().describe('Nodes that in-cluster builds run on.'),
  })
  .describe('How the image is built when it does not exist.');
export type Build = z.infer<typeof Build>;

export const Sign = z
  .strictObject({
    unsignedImage: z.string().max(1024).optional().describe('Image to sign when nothing is built.'),
    unsignedImageRegistryTLS: TlsOptions.optional().describe(
      'For unsignedImage. None: registryTLS, where both images are in one registry.',
    ),
    keySecret: LocalObjectReference.describe('Secret with the private key under `key`.'),
    certSecret: LocalObjectReference.describe('Secret with the certificate, DER or PEM, under `cert`.'),
    filesToSign: z
      .array(z.string().min(1).max(4096))
      .max(256)
      .optional()
      .describe('Paths or globs in the image; none signs every .ko.'),
  })
  .describe('How kernel modules in the image are signed.');
export type Sign = z.infer<typeof Sign>;

const inTree = {
  inTreeModuleToRemove: z.string().max(256).optional().describe('Deprecated form of inTreeModulesToRemove.'),
  inTreeModulesToRemove: z
    .array(z.string().min(1).max(256))
    .max(64)
    .optional()
    .describe('Unloaded first, and not loaded again.'),
};
const oneInTreeFormOverall = {
  rule: '!(has(self.inTreeModuleToRemove) && self.kernelMappings.exists(m, has(m.inTreeModulesToRemove))) && !(has(self.inTreeModulesToRemove) && self.kernelMappings.exists(m, has(m.inTreeModuleToRemove)))',
  message: 'inTreeModuleToRemove and inTreeModulesToRemove exclude each other on all levels',
};
const oneInTreeForm = {
  rule: '!(has(self.inTreeModuleToRemove) && has(self.inTreeModulesToRemove))',
  message: 'inTreeModuleToRemove and inTreeModulesToRemove exclude each other',
};

export const KernelMapping = withRules(
  z.strictObject({
    literal: z.string().max(256).optional().describe('The kernel release, exactly.'),
    regexp: z.string().max(1024).optional().describe('RE2, found anywhere in the release unless anchored.'),
    containerImage: z
      .string()
      .max(1024)
      .optional()
      .describe('Image; ${KERNEL_FULL_VERSION} and others are replaced.'),
    build: Build.optional(),
    sign: Sign.optional(),
    registryTLS: TlsOptions.optional().describe('In place of that of the container, as a whole.'),
    ...inTree,
  }),
  {
    rule: "has(self.literal) && self.literal != '' ? !(has(self.regexp) && self.regexp != '') : has(self.regexp) && self.regexp != ''",
    message: 'exactly one of literal and regexp must be set',
  },
  oneInTreeForm,
).describe('Which image serves which kernels.');
export type KernelMapping = z.infer<typeof KernelMapping>;

const Arguments = z.array(z.string().max(4096)).min(1).max(128);
const ModprobeArguments = z.strictObject({
  load: Arguments.optional().describe('Arguments that load the module.'),
  unload: Arguments.optional().describe('Arguments that unload it.'),
});

export const Modprobe = withRules(
  z.strictObject({
    moduleName: z.string().max(256).optional().describe('Module to load.'),
    dirName: z.string().max(4096).default('/opt').describe('Root of lib/modules/<kernel> in the image.'),
    parameters: z.array(z.string().max(4096)).max(256).optional().describe('name=value of the module.'),
    args: ModprobeArguments.optional().describe('Replace modprobe -v and -rv.'),
    rawArgs: ModprobeArguments.optional().describe('The whole argument lists of modprobe.'),
    firmwarePath: z
      .string()
      .max(4096)
      .optional()
      .describe('Folder in the image, copied to /var/lib/firmware.'),
    modulesLoadingOrder: z
      .array(z.string().min(1).max(256))
      .max(64)
      .optional()
      .describe('Soft dependencies, the module itself first.'),
  }),
  {
    rule: "!(has(self.moduleName) && self.moduleName != '') || !has(self.rawArgs) || (!has(self.rawArgs.load) && !has(self.rawArgs.unload))",
    message: 'rawArgs are not allowed together with moduleName',
  },
  {
    rule: "(has(self.moduleName) && self.moduleName != '') || (has(self.rawArgs) && has(self.rawArgs.load) && has(self.rawArgs.unload))",
    message: 'without moduleName both rawArgs.load and rawArgs.unload are needed',
  },
  {
    rule: '!has(self.modulesLoadingOrder) || (size(self.modulesLoadingOrder) >= 2 && has(self.moduleName) && self.modulesLoadingOrder[0] == self.moduleName)',
    message: 'modulesLoadingOrder needs at least two modules, the first being moduleName',
  },
  {
    rule: '!has(self.modulesLoadingOrder) || self.modulesLoadingOrder.all(m, self.modulesLoadingOrder.exists_one(n, n == m))',
    message: 'modulesLoadingOrder names each module once',
  },
).describe('How modprobe is called.');
export type Modprobe = z.infer<typeof Modprobe>;

export const LoaderContainer = withRules(
  z.strictObject({
    containerImage: z.string().max(1024).optional().describe('Image of mappings that name none.'),
    imagePullPolicy: z
      .enum(['Always', 'Never', 'IfNotPresent'])
      .optional()
      .describe('When nodes pull the image.'),
    version: z.string().max(63).optional().describe('Version for ordered upgrades.'),
    build: Build.optional(),
    sign: Sign.optional(),
    registryTLS: TlsOptions.optional().describe('For the registry of containerImage.'),
    ...inTree,
    kernelMappings: z.array(KernelMapping).min(1).max(128).describe('In order; the first match counts.'),
    modprobe: Modprobe,
  }),
  {
    rule: "has(self.containerImage) && self.containerImage != '' || self.kernelMappings.all(m, has(m.containerImage) && m.containerImage != '')",
    message: 'containerImage is needed here or in each kernel mapping',
  },
  oneInTreeForm,
  oneInTreeFormOverall,
);
export type LoaderContainer = z.infer<typeof LoaderContainer>;

export const ModuleLoader = z
  .strictObject({
    serviceAccountName: z.string().max(253).optional().describe('Service account of the loader pods.'),
    container: LoaderContainer.describe('Which image serves which kernel, and what is done with it.'),
  })
  .describe('How a kernel module is loaded. Absent: only the device plugin is deployed.');
