import { AppError } from '../errors.ts';

/**
 * Reads a whole body as text.
 *
 * @throws {AppError} API_ERROR when it has more than `bytesMax` bytes
 */
export async function readBody(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.byteLength;
    if (size > bytesMax) throw new AppError('API_ERROR', `An answer is larger than ${bytesMax} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Splits a body into lines as they come; a last line without its end is dropped: it is half of something. */
export async function* readLines(body: AsyncIterable<Uint8Array>, charsMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    rest += decoder.decode(part, { stream: true });
    let end = rest.indexOf('\n');
    while (end >= 0) {
      if (end > 0) yield rest.slice(0, end);
      rest = rest.slice(end + 1);
      end = rest.indexOf('\n');
    }
    if (rest.length > charsMax)
      throw new AppError('API_ERROR', `A watch event is larger than ${charsMax} characters.`);
  }
}
