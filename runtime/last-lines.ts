/** A longer line is cut rather than left out. */
const LINE_CHARS = 512;

/** The last whole lines of a text, `charsMax` characters at most. Pure. */
export function lastLines(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const end = text.slice(-charsMax);
  const cut = end.indexOf('\n') + 1;
  return cut < LINE_CHARS ? end.slice(cut) : end;
}
