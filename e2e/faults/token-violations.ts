import type { AuditedRequest } from '@kmm-fleet/policies';
import { credentialIn } from '../kubeconfig/credential-id.ts';
import type { GivenToken } from './account-tokens.ts';

/** An operator reads its token again after a minute; so much later it may be seen on its way. */
const REPLACED_MS_MAX = 60_000 + 5_000;
/** Requests that were on their way when the next token came, stalled ones too. */
const LATE_MS = 5_000;
/** The longest pause that an operator makes before it tries again. */
const PAUSE_MS_MAX = 30_000;
/** Answers of 401 to an operator with a dozen watches, each of which tries again half a second later, then ever slower. */
export const REFUSALS_MAX = 100;

/**
 * What an operator did with its tokens that it must not, one sentence each.
 *
 * @param requests of the audit log of its API server
 * @param agent the operator's user agent
 */
export function tokenViolations(
  agent: string,
  given: readonly GivenToken[],
  requests: readonly AuditedRequest[],
): string[] {
  const own = requests.filter(({ userAgent }) => userAgent === agent);
  const overMs = Math.max(...requests.map(atMs));
  const refused = own.filter(({ responseStatus }) => responseStatus?.code === 401);
  const used = Map.groupBy(own, credentialIn);
  const isExplained = new Set<AuditedRequest>();
  const found: string[] = [];
  given.forEach((token, index) => {
    const next = given[index + 1];
    const nextMs = next ? Date.parse(next.given) : overMs;
    const uses = used.get(token.id) ?? [];
    const late = uses.filter((request) => atMs(request) > nextMs + REPLACED_MS_MAX);
    if (late.length > 0)
      found.push(`${agent} used ${token.id} ${late.length} times long after the next one came`);
    const endMs = Math.min(nextMs, Date.parse(token.ended ?? '') || overMs);
    if (
      endMs - Date.parse(token.given) > PAUSE_MS_MAX &&
      isFirstAfterAnEnd(given, index) &&
      uses.length === 0
    )
      found.push(`${agent} never used ${token.id}, which came when it had none`);
    if (!token.ended || Date.parse(token.ended) > nextMs) return;
    const told = refused.filter(
      (request) => atMs(request) >= Date.parse(token.ended ?? '') && atMs(request) <= nextMs + LATE_MS,
    );
    for (const request of told) isExplained.add(request);
    if (told.length === 0) found.push(`${agent} was never told that ${token.id} had ended`);
    if (told.length > REFUSALS_MAX)
      found.push(`${agent} was told ${told.length} times that ${token.id} had ended`);
  });
  return [
    ...found,
    ...refused
      .filter((request) => !isExplained.has(request))
      .map(
        (request) => `${agent} was refused at ${request.requestReceivedTimestamp}, and no token had ended`,
      ),
  ];
}

const atMs = ({ requestReceivedTimestamp }: AuditedRequest): number => Date.parse(requestReceivedTimestamp);

const isFirstAfterAnEnd = (given: readonly GivenToken[], index: number): boolean => {
  const { ended } = given[index - 1] ?? {};
  return ended !== undefined && ended < (given[index]?.given ?? '');
};
