/** How bad it is: `error` needs a person, `warning` may, `waiting` ends by itself, `ok` is a fact. */
export type Severity = 'error' | 'warning' | 'waiting' | 'ok';

/** One word of the vocabulary that conditions, events, metrics, logs and the command line share. */
export interface ReasonEntry {
  readonly severity: Severity;
  readonly meaning: string;
  /** What the reader can do next. */
  readonly todo: string;
}

type Entry = (meaning: string, todo: string) => ReasonEntry;

const entry =
  (severity: Severity): Entry =>
  (meaning, todo) => ({ severity, meaning, todo });

export const error = entry('error');
export const warning = entry('warning');
export const waiting = (meaning: string, todo = 'Wait; it goes on by itself.') =>
  entry('waiting')(meaning, todo);
export const ok = (meaning: string, todo = 'Nothing.') => entry('ok')(meaning, todo);
