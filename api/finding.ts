import type { Reason } from './reasons/index.ts';

/** A user's mistake as a value: it stands in plans, conditions and on the command line, and never throws. */
export interface Finding {
  /** Of the one vocabulary; usable as a condition reason. */
  readonly reason: Reason;
  /** The field, as `spec.moduleLoader.container.kernelMappings[0].regexp`; '' for the whole object. */
  readonly path: string;
  readonly message: string;
  /** What the reader can do next. */
  readonly nextStep: string;
  /** A warning does not stop anything. */
  readonly severity: 'error' | 'warning';
}

/** A value, or why there is none. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };

export const found = (reason: Reason, path: string, message: string, nextStep: string): Finding => ({
  reason,
  path,
  message,
  nextStep,
  severity: 'error',
});

export const warned = (...args: Parameters<typeof found>): Finding => ({
  ...found(...args),
  severity: 'warning',
});

export const good = <T>(value: T, warnings: readonly Finding[] = []): Checked<T> => ({
  ok: true,
  value,
  warnings,
});

export const bad = <T>(...findings: readonly Finding[]): Checked<T> => ({ ok: false, findings });

/** One line for conditions and terminals: where, what, and what to do next. */
export function describeFinding({ path, message, nextStep }: Finding): string {
  return `${path ? `${path}: ` : ''}${message} ${nextStep}`.trim();
}

/** By path, then reason: equal input gives byte-equal output. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const key = ({ path, reason, message }: Finding) => `${path}\0${reason}\0${message}`;
  return findings.toSorted((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}
