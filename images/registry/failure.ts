import { AppError, type FailureCode } from '@kmm-fleet/runtime';
import * as z from 'zod';
import type { Credentials } from './credentials.ts';
import { plainText } from './plain-text.ts';
import type { RegistryResponse } from './transport.ts';

const PROBLEM_BYTES_MAX = 16 * 1024;
const OciErrors = z.looseObject({
  errors: z.array(z.looseObject({ code: z.string().optional(), message: z.string().optional() })).min(1),
});

/** The error for an answer that is not what was asked for. Its body must not have been read. */
export async function failureOf(
  response: RegistryResponse,
  what: string,
  credentials: Credentials | undefined,
  nowMs: number,
): Promise<AppError> {
  const { status, headers } = response;
  const code = codeOf(status);
  const login = code === 'REGISTRY_UNAUTHORIZED' && !credentials ? ' (no credentials were given)' : '';
  const problem = masked(await readProblem(response), credentials);
  const waitMs = retryAfterMs(headers['retry-after'], nowMs);
  return new AppError(
    code,
    `${what}: HTTP ${status}${login}${problem && `: ${problem}`}.`,
    waitMs === undefined ? {} : { retryAfterMs: waitMs },
  );
}

/** Milliseconds that a Retry-After header asks for: seconds or a date, or nothing that makes sense. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (!header) return undefined;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

/** Reads a small answer to its end so that the connection can be used again; a large one is dropped. */
export async function discard(response: RegistryResponse): Promise<void> {
  await readText(response).catch(() => {});
}

function codeOf(status: number): FailureCode {
  if (status === 401 || status === 403) return 'REGISTRY_UNAUTHORIZED';
  if (status === 429) return 'REGISTRY_THROTTLED';
  return status >= 500 ? 'REGISTRY_UNREACHABLE' : 'REGISTRY_INVALID';
}

/** What the registry says about it, where it speaks as the specification asks. */
async function readProblem(response: RegistryResponse): Promise<string> {
  const text = await readText(response).catch(() => '');
  const parsed = OciErrors.safeParse(parseJson(text));
  const first = parsed.data?.errors[0];
  return plainText([first?.code, first?.message].filter(Boolean).join(': '));
}

async function readText({ body }: RegistryResponse): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.byteLength;
    if (size > PROBLEM_BYTES_MAX) break;
  }
  return Buffer.concat(parts).subarray(0, PROBLEM_BYTES_MAX).toString('utf8');
}

/** A registry may repeat what it refuses. */
function masked(text: string, credentials: Credentials | undefined): string {
  if (!credentials) return text;
  const { username, password } = credentials;
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return [encoded, password].filter(Boolean).reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
