import { posix } from 'node:path';
import { matchesPattern } from '../shell/glob.ts';
import type { Call } from '../shell/world.ts';

interface Found {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly depth: number;
}

type Action = (found: Found) => boolean;

const TYPES: Readonly<Record<string, Found['type']>> = { f: 'file', d: 'directory', l: 'symlink' };

/**
 * `find PATH… [-depth] [-mindepth N] [-maxdepth N] [-type f|d|l] [-name P] [-path P] [-empty] [! …] [-o …]
 * [-print] [-printf '%P\n'|'%p\n'] [-delete] [-exec … \;]`: tests are joined by "and" and, with `-o`, by "or".
 */
export function find(call: Call): number {
  const args = call.argv.slice(1).filter((argument) => !['(', ')', '-H', '-L', '-P'].includes(argument));
  const firstTest = args.findIndex((argument) => argument.startsWith('-') || argument === '!');
  const roots = args.slice(0, firstTest < 0 ? args.length : firstTest);
  const expression = firstTest < 0 ? [] : args.slice(firstTest);
  const number = (name: string, fallback: number) => {
    const at = expression.indexOf(name);
    return at < 0 ? fallback : Number(expression[at + 1]);
  };
  const [leastDepth, mostDepth] = [number('-mindepth', 0), number('-maxdepth', Number.POSITIVE_INFINITY)];
  const contentsFirst = expression.includes('-depth') || expression.includes('-delete');
  const alternatives = readExpression(expression, call);
  if (typeof alternatives === 'string') {
    call.err(`find: ${alternatives}\n`);
    return 1;
  }
  let code = 0;
  for (const root of roots.length > 0 ? roots : ['.']) {
    if (!call.world.fs.entry(posix.resolve(call.directory, root), true)) {
      call.err(`find: '${root}': No such file or directory\n`);
      code = 1;
      continue;
    }
    for (const found of walk(call, root, 0, mostDepth, contentsFirst)) {
      if (found.depth < leastDepth) continue;
      if (!alternatives.some((chain) => chain.every((action) => action({ ...found, root } as Found))))
        continue;
    }
  }
  return code;
}

function* walk(
  call: Call,
  path: string,
  depth: number,
  mostDepth: number,
  contentsFirst: boolean,
): Generator<Found> {
  const absolute = posix.resolve(call.directory, path);
  const entry = call.world.fs.entry(absolute, true);
  if (!entry) return;
  const found = { path, type: entry.type, depth };
  if (!contentsFirst) yield found;
  if (entry.type === 'directory' && depth < mostDepth) {
    for (const name of call.world.fs.list(absolute)) {
      const below = path.endsWith('/') ? `${path}${name}` : `${path}/${name}`;
      yield* walk(call, below, depth + 1, mostDepth, contentsFirst);
    }
  }
  if (contentsFirst) yield found;
}

/** The alternatives of `-o`, each a chain of tests and actions; `-print` is added where no action is given. */
function readExpression(expression: readonly string[], call: Call): Action[][] | string {
  const alternatives: Action[][] = [[]];
  let hasAction = false;
  let negated = false;
  const rest = [...expression];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '!' || word === '-not') {
      negated = !negated;
      continue;
    }
    if (word === '-o' || word === '-or') {
      alternatives.push([]);
      continue;
    }
    if (word === '-a' || word === '-and' || word === '-depth') continue;
    if (word === '-mindepth' || word === '-maxdepth') {
      rest.shift();
      continue;
    }
    const action = readAction(word, rest, call);
    if (!action) return `unknown predicate '${word}'`;
    hasAction ||= ['-print', '-printf', '-delete', '-exec'].includes(word);
    const isNegated = negated;
    alternatives.at(-1)?.push((found) => action(found) !== isNegated);
    negated = false;
  }
  if (!hasAction) for (const chain of alternatives) chain.push(print(call));
  return alternatives;
}

const print =
  (call: Call): Action =>
  (found) => {
    call.out(`${found.path}\n`);
    return true;
  };

function readAction(word: string, rest: string[], call: Call): Action | undefined {
  switch (word) {
    case '-type': {
      const type = TYPES[rest.shift() ?? ''];
      return (found) => found.type === type;
    }
    case '-name': {
      const pattern = rest.shift() ?? '';
      return (found) => matchesPattern(pattern, posix.basename(found.path));
    }
    case '-path': {
      const pattern = rest.shift() ?? '';
      return (found) => matchesPattern(pattern, found.path);
    }
    case '-empty':
      return (found) => isEmpty(call, found);
    case '-print':
      return print(call);
    case '-printf':
      return printFormat(call, rest.shift() ?? '');
    case '-delete':
      return (found) => deleteFound(call, found);
    case '-exec':
      return execAction(call, rest);
    default:
      return undefined;
  }
}

function isEmpty(call: Call, { path, type }: Found): boolean {
  const absolute = posix.resolve(call.directory, path);
  if (type === 'directory') return call.world.fs.list(absolute).length === 0;
  return type === 'file' && (call.world.fs.readFile(absolute)?.byteLength ?? 0) === 0;
}

/** `%p` is the path, `%P` the path below the start, `%f` the name. */
function printFormat(call: Call, format: string): Action {
  return (found) => {
    const below = found.path.split('/').slice(-found.depth).join('/');
    const values: Record<string, string> = {
      p: found.path,
      P: found.depth === 0 ? '' : below,
      f: posix.basename(found.path),
    };
    call.out(
      format
        .replaceAll('\\n', '\n')
        .replaceAll('\\0', '\0')
        .replace(/%([pPf])/g, (_whole, letter: string) => values[letter] ?? ''),
    );
    return true;
  };
}

function deleteFound(call: Call, { path, type }: Found): boolean {
  const absolute = posix.resolve(call.directory, path);
  if (type === 'directory' && call.world.fs.list(absolute).length > 0) {
    call.err(`find: cannot delete '${path}': Directory not empty\n`);
    return false;
  }
  return call.world.fs.remove(absolute) === 'written';
}

function execAction(call: Call, rest: string[]): Action {
  const end = rest.findIndex((word) => word === ';' || word === '+');
  const command = rest.splice(0, end + 1).slice(0, -1);
  return (found) => call.spawn(command.map((word) => word.replaceAll('{}', found.path))) === 0;
}
