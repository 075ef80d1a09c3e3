/** `1 node`, `2 nodes`: a number together with what is counted. Pure. */
export const counted = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

/** Somebody else's words with an end, so that a sentence can follow them. Pure. */
export const asSentence = (words: string): string => words.trimEnd().replace(/(?<=[^.!?])$/, '.');

const LAST_LINES = 3;

/** The last lines of a log, in one, for a message in front of which they come; '' where it has them all. Pure. */
export function lastWords(log: string | undefined, message: string): string {
  const lines = (log ?? '').trim().split('\n').slice(-LAST_LINES);
  const unsaid = lines.map((line) => line.trim()).filter((line) => line && !message.includes(line));
  return unsaid.length > 0 ? `${asSentence(unsaid.join(' | '))} ` : '';
}
