import type { Compression } from '../module/pack-module.ts';
import type { SignatureInfo } from '../signing/module-signature.ts';

/** What an image holds for kernels. */
export interface ImageContents {
  readonly reference: string;
  readonly digest: string;
  /** What the image says of itself, as `amd64`; '' when it does not. */
  readonly architecture: string;
  /** By folder. */
  readonly kernels: readonly KernelFolder[];
  /** Paths of files below folders named `firmware`, sorted. */
  readonly firmware: readonly string[];
  /** Links that lead out of the image, and links to modules that lead nowhere. By path. */
  readonly links: readonly BadLink[];
}

/** A folder of lib/modules. */
export interface KernelFolder {
  /** Its name, the release that modprobe looks for; '' for modules outside of any such folder. */
  readonly kernel: string;
  readonly folder: string;
  /** Whether depmod's modules.dep is there. */
  readonly hasDepmod: boolean;
  /** By path. */
  readonly modules: readonly ModuleFile[];
}

/** A module file: what stands in it, or why it cannot be read. */
export interface ModuleFile {
  readonly path: string;
  readonly name: string;
  readonly compression: Compression;
  /** Bytes in the image. */
  readonly packedBytes: number;
  readonly details?: ModuleDetails;
  /** One sentence. */
  readonly problem?: string;
}

export interface ModuleDetails {
  /** Bytes as the kernel reads them. */
  readonly bytes: number;
  readonly vermagic: string;
  /** The release in the vermagic. */
  readonly kernel: string;
  readonly architecture: string;
  readonly license: string;
  /** What the module itself says it needs. */
  readonly depends: readonly string[];
  /** What modules.dep says, the first to load first; absent when the module is not listed there. */
  readonly loadsBefore?: readonly string[];
  readonly softdeps: readonly string[];
  readonly parameters: readonly string[];
  readonly firmware: readonly WantedFirmware[];
  /** Absent for an unsigned module. Nothing of it is verified. */
  readonly signature?: SignatureInfo;
}

export interface WantedFirmware {
  readonly file: string;
  /** Where it is in the image; absent when it is not. */
  readonly path?: string;
}

export interface BadLink {
  readonly path: string;
  readonly target: string;
  readonly problem: 'leaves-root' | 'leads-nowhere';
}
