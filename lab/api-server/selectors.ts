import { badRequest } from './api-error.ts';
import { readJsonPath } from './json-path.ts';

type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels) => boolean;

/** The full grammar of label selectors: `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`. */
export function parseLabelSelector(text: string | null): LabelMatcher {
  if (!text) return () => true;
  const matchers = splitOutsideParentheses(text).map(parseRequirement);
  // A label is what the object itself holds: `constructor` is none.
  return (labels) =>
    matchers.every((matches) => matches({ __proto__: null, ...labels } as unknown as Labels));
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter(Boolean);
}

function parseRequirement(text: string): LabelMatcher {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    const isIn = operator === 'in';
    return (labels) => (labels[key] !== undefined && values.has(labels[key])) === isIn;
  }
  const equality = /^([^=!\s]+)\s*(!=|==?)\s*(\S*)$/.exec(text);
  if (equality) {
    const [, key = '', operator, value = ''] = equality;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  if (/^!\s*[^=!\s]+$/.test(text)) return (labels) => labels[text.slice(1).trim()] === undefined;
  if (/^[^=!\s()]+$/.test(text)) return (labels) => labels[text] !== undefined;
  throw badRequest(`unable to parse requirement: "${text}"`);
}

/** Fields that a server indexes, beside the name and namespace of every kind; any other one is refused. */
const SELECTABLE: Readonly<Record<string, RegExp>> = {
  Pod: /^(spec\.(nodeName|restartPolicy|schedulerName|serviceAccountName|hostNetwork)|status\.(phase|podIP|nominatedNodeName))$/,
  Node: /^spec\.unschedulable$/,
  Namespace: /^status\.phase$/,
  Secret: /^type$/,
  Event: /^(involvedObject\.[\w.]+|reason|reportingComponent|source|type)$/,
};

/** Field selectors: `metadata.name=x,spec.nodeName!=y`. A missing field is the empty string. */
export function parseFieldSelector(text: string | null, kind: string): (object: unknown) => boolean {
  if (!text) return () => true;
  const isKnown = (path: string) => /^metadata\.(name|namespace)$/.test(path) || SELECTABLE[kind]?.test(path);
  const terms = text.split(',').map((part) => {
    const [, path = '', operator, value = ''] = /^([^=!]+)(!=|==?)(.*)$/.exec(part) ?? [];
    if (!path) throw badRequest(`invalid field selector: "${part}"`);
    if (!isKnown(path.trim())) throw badRequest(`field label not supported: ${path.trim()}`);
    return { path: `.${path.trim()}`, isEqual: operator !== '!=', value };
  });
  return (object) =>
    terms.every(({ path, isEqual, value }) => ((readJsonPath(object, path)[0] ?? '') === value) === isEqual);
}
