import { type Clock, type HttpResponse, sleep } from '@kmm-fleet/runtime';
import { once } from './channel.ts';

/** What a server does at once, as a priority level of Kubernetes that has no queue. */
export interface FlowLimit {
  /** Requests in flight; watches do not count. */
  readonly inFlightMax: number;
  /** How long each is in flight. */
  readonly requestMs: number;
}

/** Answers within the limit, and refuses the rest. */
export function createFlowControl({ inFlightMax, requestMs }: FlowLimit, clock: Clock) {
  let inFlight = 0;
  return async (answer: () => HttpResponse): Promise<HttpResponse> => {
    if (inFlight >= inFlightMax) return tooMany(1);
    inFlight += 1;
    try {
      await sleep(clock, requestMs);
      return answer();
    } finally {
      inFlight -= 1;
    }
  };
}

/** In plain text: flow control comes before all that speaks in objects. */
export function tooMany(retryAfterSeconds: number | undefined): HttpResponse {
  return {
    status: 429,
    headers: {
      'content-type': 'text/plain',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: once(Buffer.from('Too many requests, please try again later.\n')),
  };
}
