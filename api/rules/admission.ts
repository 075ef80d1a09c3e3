import * as z from 'zod';
import { type Checked, describeFinding } from '../finding.ts';

const VERSION = 'admission.k8s.io/v1';
/** kubectl prints it whole; more than this nobody reads. */
const MESSAGE_CHARS_MAX = 4_000;
/** What API servers pass on: longer ones, and more of them, are cut or dropped there. */
const WARNING_CHARS_MAX = 256;
const WARNINGS_MAX = 16;

const AdmissionReview = z.object({
  apiVersion: z.literal(VERSION),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1).max(256),
    operation: z.string(),
    object: z.unknown(),
    oldObject: z.unknown(),
  }),
});

/** What an API server is told about one object. */
export interface AdmissionAnswer {
  readonly apiVersion: typeof VERSION;
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
    readonly warnings?: readonly string[];
  };
}

/**
 * The verdict of a rule as an answer to an API server; undefined for what is no AdmissionReview. An object that is going, or
 * whose spec stays as it is, passes: a bad one that is there already must still lose its finalizer.
 */
export function answerReview(
  review: unknown,
  check: (object: unknown) => Checked<unknown>,
): AdmissionAnswer | undefined {
  const parsed = AdmissionReview.safeParse(review);
  if (!parsed.success) return undefined;
  const { uid, operation, object, oldObject } = parsed.data.request;
  const answer = (response: object): AdmissionAnswer => ({
    apiVersion: VERSION,
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...response },
  });
  const isJudged = operation === 'CREATE' || (operation === 'UPDATE' && isChanged(object, oldObject));
  return answer(isJudged ? verdict(check(object)) : {});
}

function verdict(checked: Checked<unknown>): Partial<AdmissionAnswer['response']> {
  if (checked.ok) {
    const warnings = checked.warnings.map((warning) => describeFinding(warning).slice(0, WARNING_CHARS_MAX));
    return warnings.length > 0 ? { warnings: warnings.slice(0, WARNINGS_MAX) } : {};
  }
  const errors = checked.findings.filter(({ severity }) => severity === 'error');
  const message = errors.map(describeFinding).join(' ').slice(0, MESSAGE_CHARS_MAX);
  return { allowed: false, status: { code: 422, reason: 'Invalid', message } };
}

interface Seen {
  readonly metadata?: { readonly deletionTimestamp?: unknown };
  readonly spec?: unknown;
}

/** Both come from one server, which writes the fields of equal specs in equal order. */
function isChanged(object: unknown, oldObject: unknown): boolean {
  const [after, before] = [(object ?? {}) as Seen, (oldObject ?? {}) as Seen];
  return !after.metadata?.deletionTimestamp && JSON.stringify(after.spec) !== JSON.stringify(before.spec);
}
