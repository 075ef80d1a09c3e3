import { AppError, type KubeObject, type Transport } from '@kmm-fleet/runtime';
import { createLineRedactor, type Mask } from './redact/redact-text.ts';

export interface LogLimits {
  /** Lines from the end, as the server counts them. */
  readonly linesMax: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

/** Longer lines are cut: nobody reads them, and they must not fill the memory. */
const LINE_CHARS_MAX = 65_536;

/**
 * The log of one container, line by line and without secrets; no more than one line is held at a time.
 *
 * @throws {AppError} what the server said, such as that there is no previous container
 */
export async function* readLog(
  transport: Transport,
  { metadata }: KubeObject,
  container: string,
  previous: boolean,
  limits: LogLimits,
  mask: Mask,
): AsyncGenerator<string> {
  const query = new URLSearchParams({
    container,
    timestamps: 'true',
    tailLines: String(limits.linesMax),
    limitBytes: String(limits.bytesMax),
    ...(previous && { previous: 'true' }),
  });
  const pod = `/api/v1/namespaces/${encodeURIComponent(metadata.namespace ?? '')}/pods/${encodeURIComponent(metadata.name)}`;
  const path = `${pod}/log?${query.toString()}`;
  const headers = { accept: '*/*', 'user-agent': 'kmm-cli' };
  const { status, body } = await transport.request({ method: 'GET', path, headers }, limits.signal);
  if (status >= 300) throw await refusal(status, body);
  const redactor = createLineRedactor(mask);
  for await (const line of linesOf(body, limits.bytesMax)) {
    const redacted = redactor.line(line);
    if (redacted !== undefined) yield `${redacted}\n`;
  }
}

async function refusal(status: number, body: AsyncIterable<Uint8Array>): Promise<AppError> {
  let text = '';
  for await (const part of body) text = (text + Buffer.from(part).toString('utf8')).slice(0, 2_000);
  const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200);
  const code = status === 403 ? 'API_FORBIDDEN' : status === 404 ? 'NOT_FOUND' : 'API_ERROR';
  return new AppError(code, `${status} ${message}`);
}

/** Whole lines only: half of a secret at the end of a cut log looks like nothing. */
async function* linesOf(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let bytes = 0;
  for await (const part of body) {
    bytes += part.byteLength;
    const lines = `${rest}${decoder.decode(part, { stream: true })}`.split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX);
    for (const line of lines) yield line.slice(0, LINE_CHARS_MAX);
    if (bytes >= bytesMax) {
      yield `[cut after ${bytesMax} bytes]`;
      return;
    }
  }
  if (rest) yield rest;
}
