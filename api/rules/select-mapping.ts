import type { KernelMapping } from '../kinds/loader.ts';
import { kernelKey } from './kernel.ts';
import { findRegexp } from './regexp.ts';

/**
 * The first mapping in list order that serves a kernel; a literal has no priority over an earlier regexp.
 * A pattern that does not compile serves none: validation reports it.
 */
export function selectMapping(
  mappings: readonly KernelMapping[],
  release: string,
): { readonly mapping: KernelMapping; readonly index: number } | undefined {
  const kernel = kernelKey(release);
  const index = mappings.findIndex((candidate) => serves(candidate, kernel));
  const mapping = mappings[index];
  return mapping && { mapping, index };
}

function serves({ literal, regexp }: KernelMapping, kernel: string): boolean {
  if (literal) return literal === kernel;
  if (!regexp) return false;
  try {
    return findRegexp(regexp, kernel);
  } catch {
    return false;
  }
}
