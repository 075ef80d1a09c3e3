import { AppError, type FailureCode } from '../errors.ts';

/** What Kubernetes answers instead of an object when something went wrong. */
export interface KubeStatus {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
}

const CODES: Readonly<Record<number, FailureCode>> = {
  400: 'API_INVALID',
  401: 'API_UNAUTHORIZED',
  403: 'API_FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  410: 'WATCH_EXPIRED',
  413: 'API_INVALID',
  415: 'API_INVALID',
  422: 'API_INVALID',
  429: 'API_THROTTLED',
  503: 'API_THROTTLED',
};

/** The error for an answer of the API server; the message names the request and what the server said. */
export function statusError(request: string, status: number, body: string, retryAfter?: string): AppError {
  const parsed = parseStatus(body);
  const code = parsed.reason === 'AlreadyExists' ? 'ALREADY_EXISTS' : (CODES[status] ?? 'API_ERROR');
  const text = parsed.message ?? body.slice(0, 300);
  const seconds = Number(retryAfter);
  return new AppError(code, `${request}: ${status}${text ? ` ${text}` : ''}`, {
    ...(seconds > 0 && { retryAfterMs: Math.min(seconds, 300) * 1_000 }),
  });
}

function parseStatus(body: string): KubeStatus {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as KubeStatus) : {};
  } catch {
    return {};
  }
}
