import type { HttpRequest, KubeObject, Transport } from '@kmm-fleet/runtime';
import type { Answer, ApiServerUnderTest } from './contract.ts';

const PAUSES_MAX = 100;

export function request(
  method: string,
  path: string,
  body?: unknown,
  contentType = 'application/json',
  accept = 'application/json',
): HttpRequest {
  return {
    method: method as HttpRequest['method'],
    path,
    headers: { 'content-type': contentType, accept, 'user-agent': 'contract' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}

/** An API server behind a transport, as the contract suite asks it. @param pause a tenth of a second of its time */
export function underTest(
  transport: Transport,
  { pause, close }: { readonly pause: () => Promise<void>; readonly close: () => Promise<void> },
): ApiServerUnderTest {
  return {
    close,
    async send(method, path, body, contentType, accept): Promise<Answer> {
      const answer = await transport.request(request(method, path, body, contentType, accept));
      const pieces: Uint8Array[] = [];
      for await (const piece of answer.body) pieces.push(piece);
      const text = Buffer.concat(pieces).toString();
      return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
    },
    async watch(path, count) {
      const stop = new AbortController();
      const { body } = await transport.request(request('GET', path), stop.signal);
      const events: { type: string; object: KubeObject }[] = [];
      for await (const line of lines(body)) {
        events.push(JSON.parse(line));
        if (events.length === count) break;
      }
      stop.abort();
      return events;
    },
    async eventually(probe) {
      for (let step = 0; step < PAUSES_MAX; step += 1) {
        if (await probe()) return;
        await pause();
      }
      throw new Error(`it did not come true in ${PAUSES_MAX / 10} seconds`);
    },
  };
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of body) {
    const parts = (rest + Buffer.from(piece).toString()).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}
