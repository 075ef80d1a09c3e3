import type { HttpRequest, HttpResponse, KubeObject, Transport } from '@kmm-fleet/runtime';
import type { Answer, ApiServerUnderTest, CrowdAnswer } from './contract.ts';

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

export interface Hold extends Pick<ApiServerUnderTest, 'forget' | 'overload' | 'close'> {
  /** A tenth of a second of the server's time. */
  pause(): Promise<void>;
}

/** An API server behind a transport, as the contract suite asks it. */
export function underTest(transport: Transport, { pause, ...hold }: Hold): ApiServerUnderTest {
  return {
    ...hold,
    async send(method, path, body, contentType, accept): Promise<Answer> {
      const answer = await transport.request(request(method, path, body, contentType, accept));
      const text = await textOf(answer);
      return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
    },
    async watch(path, count) {
      let isOver = false;
      const events = readEvents(transport, path, count).finally(() => {
        isOver = true;
      });
      while (!isOver) await pause();
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

async function readEvents(transport: Transport, path: string, count: number) {
  const stop = new AbortController();
  const { body } = await transport.request(request('GET', path), stop.signal);
  const events: { type: string; object: KubeObject }[] = [];
  for await (const line of lines(body)) {
    events.push(JSON.parse(line));
    if (events.length === count) break;
  }
  stop.abort();
  return events;
}

async function textOf({ body }: HttpResponse): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

export async function crowdAnswer(response: HttpResponse): Promise<CrowdAnswer> {
  return {
    status: response.status,
    retryAfter: response.headers['retry-after'],
    text: await textOf(response),
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
