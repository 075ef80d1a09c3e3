import { substitute } from './substitute.ts';

/** Of Linux: no file has a longer name, and none is opened by a longer path. */
export const NAME_BYTES_MAX = 255;
export const PATH_BYTES_MAX = 4_095;

/** What cannot be matched, and what to write instead. */
export interface GlobProblem {
  readonly message: string;
  readonly next: string;
}

/** Whatever matches a text of its kind; the cost is what a look at one character takes. */
type Token = '*' | { readonly cost: number; readonly has: (character: string) => boolean };
type Segment = '**' | { readonly literal: string } | readonly Token[];
interface Part {
  readonly text: string;
  readonly characters: readonly string[];
}

/** Stars, a class in brackets, an escaped character, or a character. */
const TOKEN = /\*+|\\.|\[[!^]?\]?[^\]]*\]|./gsu;

/** Why a pattern is no glob of ours, or undefined. Its variables need not be put in yet. */
export function globProblem(pattern: string): GlobProblem | undefined {
  const text = substitute(pattern, {});
  const unknown = UNKNOWN.find(({ form }) => form.test(text));
  if (unknown) {
    const next = 'Use *, ? and […]; write one entry for each alternative.';
    return { message: `${unknown.name} are not understood`, next };
  }
  const next = 'Write the path that the file has in the image, or shorten it with *.';
  if (bytesOf(text) > PATH_BYTES_MAX)
    return { message: `a path has at most ${PATH_BYTES_MAX} bytes, this one ${bytesOf(text)}`, next };
  const longest = Math.max(...text.split('/').map(bytesOf));
  if (longest <= NAME_BYTES_MAX) return undefined;
  return { message: `between two slashes are at most ${NAME_BYTES_MAX} bytes, here ${longest}`, next };
}

const UNKNOWN = [
  { form: /[{}]/, name: 'braces' },
  { form: /[?*+@!]\(/, name: 'extended globs' },
  { form: /\[\[:/, name: 'named classes of characters' },
];

const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text).byteLength;

/**
 * Compiles globs: `*`, `?` and `[…]` within one part of a path, `**` for any number of parts. Whatever a pattern is, the
 * steps are no more than twice the product of its length and that of the path.
 *
 * @param spend is told of every step, or some of them at once, and may throw
 * @returns which patterns match a path, by their index
 */
export function compileGlobs(
  patterns: readonly string[],
  spend: (steps: number) => void = () => {},
): (path: string) => number[] {
  const globs = patterns.map((pattern) => withoutRepeats(pattern.split('/')).map(segmentOf));
  const fitsPart = (segment: Segment, { text, characters }: Part): boolean => {
    if (segment === '**') return false;
    if ('literal' in segment) return segment.literal === text;
    return matchAll(segment, characters, '*', fitsCharacter, spend);
  };
  const fitsCharacter = (token: Token, character: string): boolean => {
    if (token === '*') return false;
    spend(token.cost);
    return token.has(character);
  };
  return (path) => {
    spend(path.length);
    const parts = path.split('/').map((text) => ({ text, characters: Array.from(text) }));
    return [...globs.keys()].filter((index) => matchAll(globs[index] ?? [], parts, '**', fitsPart, spend));
  };
}

/** Greedy: a dead end goes back to the last star only, which is enough. */
function matchAll<P, T>(
  pattern: readonly P[],
  text: readonly T[],
  anything: P,
  fits: (part: P, item: T) => boolean,
  spend: (steps: number) => void,
): boolean {
  let at = 0;
  let star = -1;
  let from = 0;
  let index = 0;
  while (index < text.length) {
    spend(1);
    const part = pattern[at];
    if (part === anything) {
      star = at;
      from = index;
      at += 1;
    } else if (part !== undefined && fits(part, text[index] as T)) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      from += 1;
      index = from;
    } else return false;
  }
  // Of stars there is never more than one in a row.
  return at === pattern.length || (at === pattern.length - 1 && pattern[at] === anything);
}

const withoutRepeats = (parts: readonly string[]) =>
  parts.filter((part, index) => part !== '**' || parts[index - 1] !== '**');

function segmentOf(text: string): Segment {
  if (text === '**') return text;
  return /[*?[\\]/.test(text) ? (text.match(TOKEN) ?? []).map(tokenOf) : { literal: text };
}

function tokenOf(text: string): Token {
  if (text.startsWith('*')) return '*';
  if (text === '?') return { cost: 0, has: () => true };
  if (text.length > 2 && text.startsWith('[')) return classOf(text.slice(1, -1));
  const literal = text.length > 1 && text.startsWith('\\') ? text.slice(1) : text;
  return { cost: 0, has: (character) => character === literal };
}

function classOf(inner: string): Token {
  const isNegated = /^[!^]/.test(inner);
  const ranges = (inner.slice(isNegated ? 1 : 0).match(/.-.|./gsu) ?? []).map(rangeOf);
  const isWithin = (character: string) =>
    ranges.some(({ first, last }) => first <= character && character <= last);
  return { cost: ranges.length, has: (character) => isWithin(character) !== isNegated };
}

function rangeOf(text: string) {
  const [first = '', , last = first] = Array.from(text);
  return { first, last };
}
