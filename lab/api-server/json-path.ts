/**
 * Values at a path in kubectl's dialect of JSONPath: `.a.b`, `['x']`, `\.` in names, `[0]`, `[*]`, `[?(@.a=="b")]`.
 * Missing members give nothing. Braces around the path are allowed.
 */
export function readJsonPath(object: unknown, path: string): unknown[] {
  const text = path.replace(/^\{|\}$/g, '');
  return parsePath(text).reduce<unknown[]>(
    (values, step) => values.flatMap((value) => take(value, step)),
    [object],
  );
}

type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly path: string; readonly value: string };

const STEP =
  /^(?:\.((?:\\.|[^.[\]\\])+)|\[(\*|-?\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\[\?\(@((?:\.[\w-]+)+)\s*==\s*["']([^"']*)["']\)\]|\.(?=\[)|^\.$)/;

function parsePath(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.startsWith('.') || text.startsWith('[') || text === '' ? text : `.${text}`;
  while (rest !== '' && rest !== '.') {
    const match = STEP.exec(rest);
    if (!match) throw new SyntaxError(`JSONPath ${text} cannot be read at "${rest}"`);
    const [whole, dotted, index, quoted, path, value] = match;
    const name = dotted ?? quoted;
    if (name !== undefined)
      steps.push(name === '*' ? { kind: 'all' } : { kind: 'member', name: name.replaceAll(/\\(.)/g, '$1') });
    else if (index === '*') steps.push({ kind: 'all' });
    else if (index !== undefined) steps.push({ kind: 'index', index: Number(index) });
    else if (path !== undefined) steps.push({ kind: 'filter', path, value: value ?? '' });
    rest = rest.slice(whole.length);
  }
  return steps;
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  switch (step.kind) {
    case 'member': {
      const found =
        Array.isArray(value) || !Object.hasOwn(value, step.name)
          ? undefined
          : (value as Record<string, unknown>)[step.name];
      return found === undefined ? [] : [found];
    }
    case 'index': {
      const found: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return found === undefined ? [] : [found];
    }
    case 'all':
      return Object.values(value);
    case 'filter':
      return Object.values(value).filter((item) => readJsonPath(item, step.path)[0] === step.value);
  }
}
