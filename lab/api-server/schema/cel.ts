import { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { isObject } from './structural.ts';

const environment = new Environment({ unlistedVariablesAreDyn: true }).registerFunction(
  'string.find(string): string',
  (text: string, pattern: string) => {
    const matcher = RE2JS.compile(pattern).matcher(text);
    return matcher.find() ? (matcher.group() ?? '') : '';
  },
);

type Rule = (context: Record<string, unknown>) => unknown;
const compiled = new Map<string, Rule>();

/** '' when a rule says no, the problem when it cannot be evaluated, undefined when it holds. */
export function evaluateRule(text: string, self: unknown): string | undefined {
  const known = compiled.get(text) ?? (environment.parse(text) as Rule);
  compiled.set(text, known);
  try {
    return known({ self: toCel(self) }) === true ? undefined : '';
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
