/** What a shell sees; the help of `kmm` tells the same. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error that the user can act on: it names the object, the field and the next step, and is printed without a stack. */
export class UserError extends Error {}

/** A command line that cannot be meant, whatever the world is like: exit code 2. */
export class UsageError extends UserError {}

/** The sentence of any error, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
