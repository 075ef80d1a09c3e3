import { stripVTControlCharacters } from 'node:util';

/**
 * Text of somebody else, fit for a status or one line of a log: bounded, in one line, without control characters and
 * without the marks that change the direction of writing.
 */
export function plainText(text: string, charsMax = 300): string {
  // Cut before and after: the first bounds the work, the second the result.
  const plain = stripVTControlCharacters(text.slice(0, charsMax * 4))
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  return plain.length > charsMax ? `${plain.slice(0, charsMax).trimEnd()}…` : plain;
}
