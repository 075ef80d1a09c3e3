/** Longer words are no slips of the pen, and comparing them takes long. */
const CHARS_MAX = 64;

/**
 * The candidate that a word was meant to be: at most two letters too many, too few or wrong, and at most one of three.
 * Of equally near ones the first. Pure.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const max = Math.min(2, Math.floor(word.length / 3));
  const near = candidates
    .filter(({ length }) => length <= CHARS_MAX && Math.abs(length - word.length) <= max)
    .map((candidate) => ({ candidate, edits: edits(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter((one) => one.edits <= max);
  return near.toSorted((a, b) => a.edits - b.edits)[0]?.candidate;
}

/** Levenshtein's distance, row by row. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split('').entries())
      next.push(
        Math.min((row[j] ?? 0) + Number(letter !== other), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
}
