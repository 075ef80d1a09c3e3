import { type DestinationStream, pino } from 'pino';

/** Fields have the same names in logs, metrics and conditions, so that one search finds all three. */
export interface LogFields {
  readonly cluster?: string;
  readonly module?: string;
  readonly image?: string;
  readonly node?: string;
  readonly kernel?: string;
  readonly key?: string;
  readonly queue?: string;
  readonly kind?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly count?: number;
  readonly durationMs?: number;
  readonly waitMs?: number;
  readonly port?: number;
  readonly message?: string;
  readonly err?: unknown;
}

/** The message is the name of the event and never changes; what varies is a field. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type LogLevel = 'debug' | 'info' | 'error';

const SECRET = /(^|[-_])(token|password|secret|key|auth|authorization|cookie)$/i;
/** What stands deeper in an error is a part of the machine, such as a socket, and helps nobody. */
const DEPTH_MAX = 5;

/** JSON lines on standard output, or wherever `write` puts them. */
export function createLog(
  component: string,
  options: {
    readonly level?: LogLevel;
    readonly write?: (line: string) => void;
    readonly now?: () => number;
  } = {},
): Log {
  const { write, now } = options;
  const destination: DestinationStream = write ? { write } : pino.destination({ sync: true });
  const logger = pino(
    {
      base: { component },
      level: options.level ?? 'info',
      // Errors are the only fields with members, and some of those come from requests with credentials.
      serializers: { err: (error: Error) => withoutSecrets(pino.stdSerializers.err(error)) },
      ...(now && { timestamp: () => `,"time":${now()}` }),
    },
    destination,
  );
  return {
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
  };
}

function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  if (depth > DEPTH_MAX) return '[…]';
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    SECRET.test(name) ? '[Redacted]' : withoutSecrets(inner, depth + 1),
  ]);
  return Object.fromEntries(entries) as unknown;
}

/** Says nothing: for tools that print for themselves. */
export const silentLog: Log = { debug: () => {}, info: () => {}, error: () => {} };
