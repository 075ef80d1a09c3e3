/** `1 node`, `2 nodes`: a number together with what is counted. Pure. */
export const counted = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

/** Somebody else's words with an end, so that a sentence can follow them. Pure. */
export const asSentence = (words: string): string => words.trimEnd().replace(/(?<=[^.!?])$/, '.');
