import { RE2JS } from 're2js';

/** Patterns kept compiled: more than a fleet has mappings, small enough to forget about. */
const COMPILED_MAX = 1_000;
/** Longer than any pattern of use; what a pattern costs grows with its length. */
const PATTERN_CHARS_MAX = 1_024;
const compiled = new Map<string, RE2JS>();

/**
 * Whether an RE2 pattern is found anywhere in a text: linear time whatever the pattern, unanchored as in KMM.
 *
 * @throws {Error} when the pattern does not compile; {@link regexpProblem} tells beforehand
 */
export function findRegexp(pattern: string, text: string): boolean {
  return compile(pattern).matcher(text).find();
}

/** Why a pattern does not compile, or undefined. */
export function regexpProblem(pattern: string): string | undefined {
  try {
    compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known) return known;
  if (pattern.length > PATTERN_CHARS_MAX) throw new Error(`longer than ${PATTERN_CHARS_MAX} characters`);
  const fresh = RE2JS.compile(pattern);
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  compiled.set(pattern, fresh);
  return fresh;
}
