import { substitute } from './substitute.ts';

type Token = { readonly any: true } | { readonly any: false; readonly has: (character: string) => boolean };
type Segment = '**' | readonly Token[];

/** A star, a class in brackets, an escaped character, or a character. */
const TOKEN = /\\.|\[[!^]?\]?[^\]]*\]|./gsu;

/** Why a pattern is no glob of ours, or undefined. Its variables need not be put in yet. */
export function globProblem(pattern: string): string | undefined {
  const text = substitute(pattern, {});
  if (/[{}]/.test(text)) return 'braces are not understood';
  if (/[?*+@!]\(/.test(text)) return 'extended globs are not understood';
  if (text.includes('[[:')) return 'named classes of characters are not understood';
  return undefined;
}

/**
 * Compiles a glob: `*`, `?` and `[…]` within one part of a path, `**` for any number of parts. Whatever the pattern,
 * the time is no more than the product of both lengths.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  const segments = pattern.split('/').map(segmentOf);
  return (path) =>
    matchAll(
      segments,
      path.split('/'),
      (segment) => segment === '**',
      (segment, part) =>
        segment !== '**' &&
        matchAll(
          segment,
          Array.from(part),
          ({ any }) => any,
          (token, character) => !token.any && token.has(character),
        ),
    );
}

/** Greedy: a dead end goes back to the last star only, which is enough. */
function matchAll<P, T>(
  pattern: readonly P[],
  text: readonly T[],
  isStar: (part: P) => boolean,
  fits: (part: P, item: T) => boolean,
): boolean {
  let [at, star, from] = [0, -1, 0];
  for (let index = 0; index < text.length; ) {
    const [part, item] = [pattern[at], text[index] as T];
    if (part !== undefined && isStar(part)) [star, from] = [at++, index];
    else if (part !== undefined && fits(part, item)) [at, index] = [at + 1, index + 1];
    else if (star < 0) return false;
    else [at, index] = [star + 1, ++from];
  }
  return pattern.slice(at).every(isStar);
}

function segmentOf(text: string): Segment {
  return text === '**' ? text : (text.match(TOKEN) ?? []).map(tokenOf);
}

function tokenOf(text: string): Token {
  if (text === '*') return { any: true };
  if (text === '?') return { any: false, has: () => true };
  if (text.length > 2 && text.startsWith('[')) return { any: false, has: classOf(text.slice(1, -1)) };
  const literal = text.length > 1 && text.startsWith('\\') ? text.slice(1) : text;
  return { any: false, has: (character) => character === literal };
}

function classOf(inner: string): (character: string) => boolean {
  const isNegated = /^[!^]/.test(inner);
  const ranges = inner.slice(isNegated ? 1 : 0).match(/.-.|./gsu) ?? [];
  return (character) => ranges.some((range) => isWithin(character, Array.from(range))) !== isNegated;
}

const isWithin = (character: string, [first = '', , last = first]: readonly string[]): boolean =>
  first <= character && character <= last;
