/** Characters that no POSIX shell gives a meaning to. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word of a shell command that the shell reads back as exactly this text. */
export function shellQuote(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A command with its arguments, safe whatever they hold. */
export function shellCommand(words: readonly string[]): string {
  return words.map(shellQuote).join(' ');
}
