/** The lab's log while it starts: JSON lines, the last of which may be half written; others may write between them. */

import { tailOf } from '@kmm-fleet/lab';

interface Line {
  readonly msg?: string;
  readonly message?: string;
  readonly err?: { readonly message?: string };
}

/** Steps that the lab has begun, in order. Pure. */
export function stepsIn(log: string): string[] {
  return linesOf(log).flatMap(({ msg, message }) => (msg === 'lab.progress' && message ? [message] : []));
}

/** Why the lab ended: its last error in words, or its last lines when it had none. Pure. */
export function failureIn(log: string): string {
  const error = linesOf(log).findLast(({ err }) => err?.message !== undefined);
  return error?.err?.message ?? tailOf(log, 15);
}

function linesOf(log: string): Line[] {
  return log.split('\n').flatMap((line) => {
    try {
      const parsed: unknown = JSON.parse(line);
      return typeof parsed === 'object' && parsed !== null ? [parsed as Line] : [];
    } catch {
      return [];
    }
  });
}
