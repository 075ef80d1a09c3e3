import { type Finding, warned } from '../finding.ts';
import { formatPath } from './field-path.ts';

/** An object read from YAML may refer to itself, or to one large part again and again. */
const VALUES_MAX = 20_000;
const FINDINGS_MAX = 100;
const SHOWN_CHARS_MAX = 100;

/** What has closing tags is a document in itself. */
const isMarkup = (text: string) => /<\/|\/>/.test(text);
/** Documentation prints `<my-mcm>` where a value has to stand. */
const isWhole = (text: string) => /^\s*<[^\n]*>\s*$/.test(text) && !isMarkup(text);
/** A part of a value, such as `registry.test/<org>/kmod`; `(?<name>…)` and `(?P<name>…)` are groups of a regexp. */
const PART = /(?<!\(\?P?)<[A-Za-z_][\w. -]*>/;
/** Programs and their settings may say `<` and `>` and mean it. */
const FREE_TEXT: ReadonlySet<PropertyKey> = new Set(['command', 'args', 'rawArgs', 'env', 'value']);

/** Whether a value, or a part of it, still has to be put in. */
export const isPlaceholder = (text: string): boolean => isWhole(text) || (PART.test(text) && !isMarkup(text));

/** A warning for each text that still has to be put in, at its own field. Pure. */
export function placeholders(object: unknown): Finding[] {
  const rest: { path: readonly PropertyKey[]; value: unknown }[] = [{ path: [], value: object }];
  const findings: Finding[] = [];
  for (let seen = 0; seen < VALUES_MAX && findings.length < FINDINGS_MAX; seen++) {
    const next = rest.pop();
    if (!next) break;
    const { path, value } = next;
    if (typeof value === 'string') findings.push(...ofText(path, value));
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value).reverse())
        rest.push({ path: [...path, Array.isArray(value) ? Number(key) : key], value: inner });
    }
  }
  return findings;
}

function ofText(path: readonly PropertyKey[], text: string): Finding[] {
  const isFree = path.some((part) => FREE_TEXT.has(part));
  if (!(isFree ? isWhole : isPlaceholder)(text)) return [];
  const shown = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
  const next = 'Replace it before you apply the object.';
  return [warned('Placeholder', formatPath(path), `"${shown}" is a placeholder.`, next)];
}
