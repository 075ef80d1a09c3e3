/** Shell patterns: `*`, `?`, `[…]`, and a backslash before what stands for itself. Linear in practice, no RegExp. */

/** Whether a whole text matches a pattern. `*` also matches '/', as in `case` and `find -name`. */
export function matchesPattern(pattern: string, text: string): boolean {
  let [at, textAt] = [0, 0];
  let [starAt, starTextAt] = [-1, 0];
  while (textAt < text.length) {
    const next = matchOne(pattern, at, text[textAt] ?? '');
    if (pattern[at] === '*') {
      [starAt, starTextAt] = [at, textAt];
      at += 1;
    } else if (next !== undefined) {
      at = next;
      textAt += 1;
    } else if (starAt >= 0) {
      // The last star takes one character more: an earlier one never has to be tried again.
      starTextAt += 1;
      [at, textAt] = [starAt + 1, starTextAt];
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

/** Whether a text holds anything that a pattern would act on. */
export function isPattern(pattern: string): boolean {
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === '\\') at += 1;
    else if ('*?['.includes(pattern[at] ?? '')) return true;
  }
  return false;
}

/** A pattern that matches exactly this text. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}

/** The text that a pattern without specials stands for. */
export function unescapePattern(pattern: string): string {
  return pattern.replace(/\\(.)/gs, '$1');
}

/** Position after one pattern element that matches the character, or undefined. */
function matchOne(pattern: string, at: number, character: string): number | undefined {
  const element = pattern[at];
  if (element === undefined || element === '*') return undefined;
  if (element === '?') return at + 1;
  if (element === '[') return matchSet(pattern, at, character);
  if (element === '\\' && at + 1 < pattern.length) return pattern[at + 1] === character ? at + 2 : undefined;
  return element === character ? at + 1 : undefined;
}

function matchSet(pattern: string, start: number, character: string): number | undefined {
  let at = start + 1;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at += 1;
  const end = pattern.indexOf(']', at + 1);
  // A bracket that is never closed stands for itself.
  if (end < 0) return character === '[' ? start + 1 : undefined;
  let found = false;
  for (; at < end; at++) {
    const low = pattern[at] ?? '';
    const isRange = pattern[at + 1] === '-' && at + 2 < end;
    const high = isRange ? (pattern[at + 2] ?? '') : low;
    if (low <= character && character <= high) found = true;
    if (isRange) at += 2;
  }
  return found === negated ? undefined : end + 1;
}
