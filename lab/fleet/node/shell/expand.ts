import { posix } from 'node:path';
import type { ContainerFs } from '../files/container-fs.ts';
import { escapePattern, isPattern, matchesPattern, unescapePattern } from './glob.ts';
import type { Script, Word, WordPart } from './syntax.ts';

/** What expansion needs to know of the shell that asks. */
export interface ExpansionPorts {
  readonly fs: ContainerFs;
  readonly directory: string;
  /** Value of a parameter; undefined when it is not set. */
  value(name: string): string | undefined;
  positional(): readonly string[];
  assign(name: string, value: string): void;
  /** Output of a command substitution, without trailing newlines. */
  substitute(script: Script): string;
  /** Ends the shell: `${name:?message}`, and unset names under `set -u`. */
  fail(message: string): never;
  readonly failsOnUnset: boolean;
}

interface Fragment {
  readonly text: string;
  readonly quoted: boolean;
  /** Came from an expansion: blanks in it separate words unless it is quoted. */
  readonly splits: boolean;
  /** A word ends before this fragment: the items of "$@". */
  readonly breaks?: boolean;
}

/** Arguments that words stand for: expanded, split at blanks, file names filled in. */
export function expandWords(words: readonly Word[], ports: ExpansionPorts): string[] {
  return words.flatMap((word) =>
    fields(fragments(word.parts, ports)).flatMap((field) => files(field, ports)),
  );
}

/** One text: no splitting, no file names. For assignments, redirections and `case`. */
export function expandText(word: Word, ports: ExpansionPorts): string {
  return fragments(word.parts, ports)
    .map(({ text, breaks }) => (breaks ? ` ${text}` : text))
    .join('');
}

/** A pattern in which what was quoted stands for itself. */
export function expandPattern(word: Word, ports: ExpansionPorts): string {
  return fragments(word.parts, ports)
    .map(({ text, quoted }) => (quoted ? escapePattern(text) : text))
    .join('');
}

function fragments(parts: readonly WordPart[], ports: ExpansionPorts): Fragment[] {
  return parts.flatMap((part): Fragment[] => {
    if (part.kind === 'text') return [{ text: part.text, quoted: part.quoted, splits: false }];
    if (part.kind === 'command') {
      return [{ text: ports.substitute(part.script), quoted: part.quoted, splits: !part.quoted }];
    }
    if (part.name === '@' && part.quoted) {
      return ports
        .positional()
        .map((text, index) => ({ text, quoted: true, splits: false, breaks: index > 0 }));
    }
    return parameter(part, ports);
  });
}

function parameter(part: WordPart & { kind: 'parameter' }, ports: ExpansionPorts): Fragment[] {
  const { name, operator, operand, quoted } = part;
  const value = ports.value(name);
  const one = (text: string): Fragment[] => [{ text, quoted, splits: !quoted }];
  if (operator === undefined) {
    if (value === undefined && ports.failsOnUnset && !'@*'.includes(name))
      ports.fail(`${name}: parameter not set`);
    return one(value ?? '');
  }
  if (operator === 'length') return one(String((value ?? '').length));
  if (operand && /[%#]/.test(operator))
    return one(trim(value ?? '', operator, expandPattern(operand, ports)));
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  const other = () => fragments(operand?.parts ?? [], ports);
  if (operator.endsWith('+')) return isSet ? other() : one('');
  if (isSet) return one(value);
  if (operator.endsWith('?')) {
    const usual = operator === ':?' ? 'parameter not set or null' : 'parameter not set';
    ports.fail(`${name}: ${(operand && expandText(operand, ports)) || usual}`);
  }
  if (operator.endsWith('=')) {
    ports.assign(name, operand ? expandText(operand, ports) : '');
    return one(ports.value(name) ?? '');
  }
  return other();
}

/** `${x%p}` and `${x#p}` take the shortest match away, `%%` and `##` the longest. */
function trim(value: string, operator: string, pattern: string): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  if (operator.length === 2) lengths.reverse();
  const atEnd = operator.startsWith('%');
  const cut = lengths.find((length) =>
    matchesPattern(pattern, atEnd ? value.slice(value.length - length) : value.slice(0, length)),
  );
  if (cut === undefined) return value;
  return atEnd ? value.slice(0, value.length - cut) : value.slice(cut);
}

/** Words as lists of fragments: unquoted expansions are split at blanks. */
function fields(all: readonly Fragment[]): Fragment[][] {
  const found: Fragment[][] = [];
  let current: Fragment[] | undefined;
  const end = () => {
    if (current) found.push(current);
    current = undefined;
  };
  for (const fragment of all) {
    if (fragment.breaks) end();
    if (!fragment.splits) {
      current = [...(current ?? []), fragment];
      continue;
    }
    for (const piece of fragment.text.split(/([ \t\n]+)/)) {
      if (/^[ \t\n]+$/.test(piece)) end();
      else if (piece !== '') current = [...(current ?? []), { ...fragment, text: piece }];
    }
  }
  end();
  return found;
}

/** The files that a word with an unquoted pattern names, or the word itself when there are none. */
function files(field: readonly Fragment[], { fs, directory }: ExpansionPorts): string[] {
  const pattern = field.map(({ text, quoted }) => (quoted ? escapePattern(text) : text)).join('');
  const plain = field.map(({ text }) => text).join('');
  const unquoted = field.some(({ text, quoted }) => !quoted && isPattern(text));
  if (!unquoted) return [plain];
  const start = pattern.startsWith('/') ? '/' : '';
  const found = walk(pattern.split('/').filter(Boolean), start, fs, directory);
  return found.length > 0 ? found : [plain];
}

function walk(parts: readonly string[], prefix: string, fs: ContainerFs, directory: string): string[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [prefix];
  const join = (name: string) =>
    prefix === '' || prefix.endsWith('/') ? `${prefix}${name}` : `${prefix}/${name}`;
  const absolute = (path: string) => posix.resolve(directory, path || '.');
  if (!isPattern(part)) {
    const next = join(unescapePattern(part));
    return fs.entry(absolute(next), true) ? walk(rest, next, fs, directory) : [];
  }
  return fs
    .list(absolute(prefix))
    .filter((name) => (part.startsWith('.') || !name.startsWith('.')) && matchesPattern(part, name))
    .flatMap((name) => walk(rest, join(name), fs, directory));
}
