import { type Cursor, moveTo, readWord, ShellSyntaxError } from './parse-word.ts';
import type { AndOr, Command, Pipeline, Redirect, Script, Word } from './syntax.ts';

/** A script longer than this is no hook of a pod. */
const SOURCE_CHARS_MAX = 64 * 1024;
/** Deeper than any script that a person writes; keeps the recursion off the stack's end. */
const DEPTH_MAX = 64;

const RESERVED = new Set('! { } case do done elif else esac fi for if in then until while'.split(' '));

/** Reads a script. @throws {ShellSyntaxError} in dash's words */
export function parseScript(source: string): Script {
  if (source.length > SOURCE_CHARS_MAX) throw new ShellSyntaxError('the script is too long', 1);
  const parser = createParser({ source, at: 0, line: 1 }, 0);
  const script = parser.list([]);
  parser.expectEnd();
  return script;
}

function createParser(cursor: Cursor, depth: number) {
  if (depth > DEPTH_MAX) throw new ShellSyntaxError('the script is nested too deeply', cursor.line);

  /** The script of a command substitution; the cursor ends behind its parenthesis. */
  const substitution = (from: Cursor): Script => {
    const inner = createParser(from, depth + 1);
    const script = inner.list([')']);
    inner.expect(')');
    return script;
  };
  const word = (): Word | undefined => {
    blanks();
    return readWord(cursor, substitution);
  };

  const blanks = () => {
    for (;;) {
      const character = cursor.source[cursor.at];
      if (character === ' ' || character === '\t') cursor.at += 1;
      else if (character === '\\' && cursor.source[cursor.at + 1] === '\n') moveTo(cursor, cursor.at + 2);
      else if (character === '#') {
        while (cursor.at < cursor.source.length && cursor.source[cursor.at] !== '\n') cursor.at += 1;
      } else return;
    }
  };
  const newlines = () => {
    for (blanks(); cursor.source[cursor.at] === '\n'; blanks()) moveTo(cursor, cursor.at + 1);
  };

  /** What stands next, for decisions: an operator, a reserved word, any other word as `word`, or '' at the end. */
  const peek = (): string => {
    blanks();
    const rest = cursor.source.slice(cursor.at, cursor.at + 8);
    const operator = /^(?:&&|\|\||;;|[;&|()\n])/.exec(rest)?.[0];
    if (operator) return operator;
    const reserved = /^(?:[a-z]+|[!{}])(?=[\s;&|()<>]|$)/.exec(rest)?.[0];
    if (reserved && RESERVED.has(reserved)) return reserved;
    return rest === '' ? '' : 'word';
  };
  const accept = (token: string): boolean => {
    if (peek() !== token) return false;
    moveTo(cursor, cursor.at + token.length);
    return true;
  };
  const unexpected = (expected?: string): ShellSyntaxError => {
    const token = peek();
    const shown = token === '' ? 'end of file' : token === '\n' ? 'newline' : `"${shownToken(token)}"`;
    const hint = expected ? ` (expecting "${expected}")` : '';
    return new ShellSyntaxError(`${shown} unexpected${hint}`, cursor.line);
  };
  const shownToken = (token: string) =>
    token === 'word' ? (/^[^\s;&|()<>]+/.exec(cursor.source.slice(cursor.at))?.[0] ?? 'word') : token;
  const expect = (token: string) => {
    newlinesUnless(token);
    if (!accept(token)) throw unexpected(token);
  };
  const newlinesUnless = (token: string) => {
    if (token !== '\n') newlines();
  };

  const list = (terminators: readonly string[]): Script => {
    const script: AndOr[] = [];
    for (;;) {
      newlines();
      const next = peek();
      if (next === '' || terminators.includes(next)) return script;
      script.push(andOr());
      const separator = peek();
      if (separator === ';' || separator === '\n') moveTo(cursor, cursor.at + 1);
      else if (separator !== '' && !terminators.includes(separator) && !script.at(-1)?.background)
        throw unexpected();
    }
  };
  /** A list that must hold something, as between `if` and `then`. */
  const body = (terminators: readonly string[]): Script => {
    const script = list(terminators);
    if (script.length === 0) throw unexpected();
    return script;
  };

  const andOr = (): AndOr => {
    const links: AndOr['links'][number][] = [{ connector: '', pipeline: pipeline() }];
    for (let next = peek(); next === '&&' || next === '||'; next = peek()) {
      accept(next);
      newlines();
      links.push({ connector: next, pipeline: pipeline() });
    }
    return { links, background: accept('&') };
  };

  const pipeline = (): Pipeline => {
    const negated = accept('!');
    const commands = [command()];
    while (accept('|')) {
      newlines();
      commands.push(command());
    }
    return { negated, commands };
  };

  const command = (): Command => {
    if (accept('(')) return group(true, ')');
    if (accept('{')) return group(false, '}');
    if (accept('if')) return ifCommand();
    if (accept('for')) return forCommand();
    if (accept('while')) return whileCommand(false);
    if (accept('until')) return whileCommand(true);
    if (accept('case')) return caseCommand();
    return simple();
  };

  const group = (subshell: boolean, end: string): Command => {
    const inside = createParser(cursor, depth + 1).list([end]);
    expect(end);
    return { kind: 'group', subshell, body: inside, redirects: redirects() };
  };

  const ifCommand = (): Command => {
    const branches: { condition: Script; body: Script }[] = [];
    let otherwise: Script | undefined;
    do {
      const condition = body(['then']);
      expect('then');
      branches.push({ condition, body: body(['elif', 'else', 'fi']) });
    } while (accept('elif'));
    if (accept('else')) otherwise = body(['fi']);
    expect('fi');
    return { kind: 'if', branches, ...(otherwise && { otherwise }), redirects: redirects() };
  };

  const forCommand = (): Command => {
    const variable = plainText(word());
    newlines();
    let words: Word[] | undefined;
    if (accept('in')) {
      words = [];
      for (let next = word(); next; next = word()) words.push(next);
    }
    accept(';');
    const inside = doGroup();
    return { kind: 'for', variable, ...(words && { words }), body: inside, redirects: redirects() };
  };

  const whileCommand = (until: boolean): Command => {
    const condition = body(['do']);
    return { kind: 'while', until, condition, body: doGroup(), redirects: redirects() };
  };

  const doGroup = (): Script => {
    expect('do');
    const inside = body(['done']);
    expect('done');
    return inside;
  };

  const caseCommand = (): Command => {
    const subject = word();
    if (!subject) throw unexpected();
    expect('in');
    const arms: { patterns: Word[]; body: Script }[] = [];
    for (newlines(); peek() !== 'esac'; newlines()) {
      accept('(');
      const patterns: Word[] = [];
      do {
        const pattern = word();
        if (!pattern) throw unexpected();
        patterns.push(pattern);
      } while (accept('|'));
      expect(')');
      arms.push({ patterns, body: list([';;', 'esac']) });
      if (!accept(';;')) break;
    }
    expect('esac');
    return { kind: 'case', subject, arms, redirects: redirects() };
  };

  const simple = (): Command => {
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const found: Redirect[] = [];
    const line = cursor.line;
    for (;;) {
      const next = redirect();
      if (next) {
        found.push(next);
        continue;
      }
      if (words.length === 0 && assignments.length === 0 && RESERVED.has(peek())) throw unexpected();
      const assignment = words.length === 0 ? assignmentAt() : undefined;
      if (assignment) assignments.push(assignment);
      else {
        const argument = word();
        if (!argument) break;
        words.push(argument);
        if (words.length === 1 && cursor.source[cursor.at] === '(')
          throw new ShellSyntaxError('functions are not modelled here', cursor.line);
      }
    }
    if (words.length + assignments.length + found.length === 0) throw unexpected();
    return { kind: 'simple', assignments, words, redirects: found, line };
  };

  const assignmentAt = (): { name: string; value: Word } | undefined => {
    blanks();
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(cursor.source.slice(cursor.at, cursor.at + 256));
    if (!match) return undefined;
    cursor.at += match[0].length;
    return { name: match[1] ?? '', value: readWord(cursor, substitution) ?? { parts: [] } };
  };

  const redirects = (): Redirect[] => {
    const found: Redirect[] = [];
    for (let next = redirect(); next; next = redirect()) found.push(next);
    return found;
  };

  const redirect = (): Redirect | undefined => {
    blanks();
    const match = /^(\d?)(>>|>&|<&|>\||<<|<|>)/.exec(cursor.source.slice(cursor.at, cursor.at + 4));
    if (!match) return undefined;
    const [whole, digit = '', symbol = ''] = match;
    if (symbol === '<<') throw new ShellSyntaxError('here-documents are not modelled here', cursor.line);
    cursor.at += whole.length;
    const target = word();
    if (!target) throw unexpected();
    const operator = (symbol === '>|' ? '>' : symbol) as Redirect['operator'];
    const descriptor = digit === '' ? (operator.startsWith('<') ? 0 : 1) : Number(digit);
    return { descriptor, operator, target };
  };

  const plainText = (found: Word | undefined): string => {
    const text = found?.parts.map((part) => (part.kind === 'text' ? part.text : '$')).join('') ?? '';
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
    throw new ShellSyntaxError('Bad for loop variable', cursor.line);
  };

  return {
    list,
    expect,
    expectEnd: () => {
      if (peek() !== '') throw unexpected();
    },
  };
}
