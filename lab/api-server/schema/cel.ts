import { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { isObject } from './structural.ts';

const environment = new Environment({ unlistedVariablesAreDyn: true })
  .registerFunction('string.find(string): string', (text: string, pattern: string) => {
    const matcher = RE2JS.compile(pattern).matcher(text);
    return matcher.find() ? (matcher.group() ?? '') : '';
  })
  .registerFunction('string.matchesRe2(string): bool', (text: string, pattern: string) =>
    RE2JS.compile(pattern).matcher(text).find(),
  );

/** The library's own `matches` backtracks, so one pattern could stop the server; it lets nobody replace it. */
const MATCHES_OR_LITERAL = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\.matches\(/g;
const linear = (rule: string) =>
  rule.replaceAll(MATCHES_OR_LITERAL, (part) => (part === '.matches(' ? '.matchesRe2(' : part));

type Rule = (context: Record<string, unknown>) => unknown;
const compiled = new Map<string, Rule>();

/**
 * '' when a rule says no, the problem when it cannot be evaluated, undefined when it holds. A rule about `oldSelf` is about
 * changes: it holds where there was nothing before.
 */
export function evaluateRule(text: string, self: unknown, oldSelf?: unknown): string | undefined {
  if (oldSelf === undefined && /\boldSelf\b/.test(text)) return undefined;
  try {
    const known = compiled.get(text) ?? (environment.parse(linear(text)) as Rule);
    compiled.set(text, known);
    return known({ self: toCel(self), oldSelf: toCel(oldSelf) }) === true ? undefined : '';
  } catch (error) {
    return `rule cannot be evaluated: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Whole numbers are integers in CEL, not doubles. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
}
