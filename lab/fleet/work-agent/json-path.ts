/** kubectl's JSONPath as feedback rules use it: fields, `['field']`, `[index]`, `[*]` and `[?(@.field=="value")]`. */

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | {
      readonly kind: 'filter';
      readonly path: readonly Step[];
      readonly equals: boolean;
      readonly value: unknown;
    };

/** A longer path is no path of a status field. */
const PATH_CHARS_MAX = 1_024;

/** All values at a path, in order; none when a field is missing. @throws {RangeError} when the path is malformed */
export function readJsonPath(object: unknown, path: string): unknown[] {
  if (path.length > PATH_CHARS_MAX)
    throw new RangeError(`the path is longer than ${PATH_CHARS_MAX} characters`);
  return follow([object], parse(path));
}

function follow(values: readonly unknown[], steps: readonly Step[]): unknown[] {
  let current = [...values];
  for (const step of steps) current = current.flatMap((value) => take(value, step));
  return current.filter((value) => value !== undefined);
}

function take(value: unknown, step: Step): unknown[] {
  if (step.kind === 'field') {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isMap && Object.hasOwn(value, step.name) ? [(value as Record<string, unknown>)[step.name]] : [];
  }
  if (!Array.isArray(value)) {
    return step.kind === 'all' && typeof value === 'object' && value !== null ? Object.values(value) : [];
  }
  const items = value as unknown[];
  if (step.kind === 'index') return [items.at(step.index)];
  if (step.kind === 'all') return items;
  return items.filter(
    (item) => follow([item], step.path).some((found) => found === step.value) === step.equals,
  );
}

function parse(path: string): Step[] {
  const steps: Step[] = [];
  let rest = path;
  while (rest !== '') {
    const [step, length] = nextStep(rest, path);
    steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
}

function nextStep(rest: string, whole: string): [Step, number] {
  const field = /^\.((?:[^.[\]\\]|\\.)+)/.exec(rest);
  if (field) return [{ kind: 'field', name: (field[1] ?? '').replaceAll('\\', '') }, field[0].length];
  const quoted = /^\.?\['((?:[^'\\]|\\.)*)'\]/.exec(rest);
  if (quoted) return [{ kind: 'field', name: (quoted[1] ?? '').replaceAll('\\', '') }, quoted[0].length];
  const index = /^\[(-?\d+)\]/.exec(rest);
  if (index) return [{ kind: 'index', index: Number(index[1]) }, index[0].length];
  const all = /^\.?\[?\*\]?/.exec(rest);
  if (all && all[0] !== '.' && all[0].includes('*')) return [{ kind: 'all' }, all[0].length];
  const filter = /^\[\?\(@([^=!]+?)\s*(==|!=)\s*("[^"]*"|'[^']*'|[\w.-]+)\s*\)\]/.exec(rest);
  if (!filter) throw new RangeError(`unrecognized character in ${whole.slice(0, 100)}`);
  const [text, inner = '', operator, literal = ''] = filter;
  const step: Step = {
    kind: 'filter',
    path: parse(inner),
    equals: operator === '==',
    value: readLiteral(literal),
  };
  return [step, text.length];
}

function readLiteral(literal: string): unknown {
  if (/^["']/.test(literal)) return literal.slice(1, -1);
  if (literal === 'true' || literal === 'false') return literal === 'true';
  return Number.isNaN(Number(literal)) ? literal : Number(literal);
}
