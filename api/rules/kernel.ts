import { bad, type Checked, found, good } from '../finding.ts';

/** Longest kernel release that we take: the kernel's own limit is 64, distributions stay below it. */
const RELEASE_CHARS_MAX = 128;

/** The release that mappings are matched against: one trailing `+` is dropped, as in KMM. */
export function kernelKey(release: string): string {
  return release.endsWith('+') ? release.slice(0, -1) : release;
}

export interface KernelVariables {
  readonly KERNEL_FULL_VERSION: string;
  readonly KERNEL_VERSION: string;
  readonly KERNEL_XYZ: string;
  readonly KERNEL_X: string;
  readonly KERNEL_Y: string;
  readonly KERNEL_Z: string;
}

/**
 * Template variables of a kernel. The full version is made fit for an image tag: what is not a letter, digit, dot,
 * underscore or hyphen becomes `_`. X, Y and Z are the first three parts between dots, commas and hyphens.
 */
export function kernelVariables(release: string): Checked<KernelVariables> {
  const kernel = kernelKey(release);
  const [x, y, z] = kernel.split(/[.,-]/);
  if (!x || !y || !z || kernel.length > RELEASE_CHARS_MAX) {
    const message = `Kernel release "${kernel.slice(0, RELEASE_CHARS_MAX)}" does not have three components.`;
    return bad(found('KernelInvalid', '', message, 'Check the kernel claim of the cluster.'));
  }
  const full = kernel.replaceAll(/[^\w.-]/g, '_');
  return good({
    KERNEL_FULL_VERSION: full,
    KERNEL_VERSION: full,
    KERNEL_XYZ: `${x}.${y}.${z}`,
    KERNEL_X: x,
    KERNEL_Y: y,
    KERNEL_Z: z,
  });
}
