import type { Script, Word, WordPart } from './syntax.ts';

/** Where a parser stands in its source; both halves of the parser move it. */
export interface Cursor {
  readonly source: string;
  at: number;
  line: number;
}

/** What a script got wrong, in dash's words. */
export class ShellSyntaxError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'ShellSyntaxError';
    this.line = line;
  }
}

/** Reads the script inside `$( … )` up to its closing parenthesis. */
type ReadScript = (cursor: Cursor) => Script;

const DELIMITERS = new Set([' ', '\t', '\n', ';', '&', '|', '(', ')', '<', '>']);
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SPECIALS = '@*#?$!-0123456789';
const OPERATORS = [':-', ':+', ':=', ':?', '%%', '##', '-', '+', '=', '?', '%', '#'];

/** Reads one word where the cursor stands; undefined when a delimiter stands there. */
export function readWord(cursor: Cursor, readScript: ReadScript): Word | undefined {
  const parts: WordPart[] = [];
  let found = false;
  while (cursor.at < cursor.source.length && !DELIMITERS.has(cursor.source[cursor.at] ?? '')) {
    found = true;
    parts.push(...readPart(cursor, readScript));
  }
  return found ? { parts } : undefined;
}

function readPart(cursor: Cursor, readScript: ReadScript): WordPart[] {
  const character = cursor.source[cursor.at] ?? '';
  if (character === "'") return [readSingle(cursor)];
  if (character === '"') return readDouble(cursor, readScript);
  if (character === '\\') return readEscape(cursor);
  if (character === '$') return [readDollar(cursor, readScript, false)];
  if (character === '`') return [readBackticks(cursor, readScript, false)];
  cursor.at += 1;
  return [{ kind: 'text', text: character, quoted: false }];
}

function readSingle(cursor: Cursor): WordPart {
  const end = cursor.source.indexOf("'", cursor.at + 1);
  if (end < 0) throw new ShellSyntaxError('Unterminated quoted string', cursor.line);
  const text = cursor.source.slice(cursor.at + 1, end);
  moveTo(cursor, end + 1);
  return { kind: 'text', text, quoted: true };
}

function readEscape(cursor: Cursor): WordPart[] {
  const next = cursor.source[cursor.at + 1];
  moveTo(cursor, cursor.at + 2);
  if (next === '\n') return [];
  return [{ kind: 'text', text: next ?? '\\', quoted: true }];
}

function readDouble(cursor: Cursor, readScript: ReadScript): WordPart[] {
  // The empty text keeps "" a word of its own.
  const parts: WordPart[] = [{ kind: 'text', text: '', quoted: true }];
  cursor.at += 1;
  for (;;) {
    const character = cursor.source[cursor.at];
    if (character === undefined) throw new ShellSyntaxError('Unterminated quoted string', cursor.line);
    if (character === '"') break;
    if (character === '$') parts.push(readDollar(cursor, readScript, true));
    else if (character === '`') parts.push(readBackticks(cursor, readScript, true));
    else parts.push(readQuotedCharacter(cursor, character));
  }
  cursor.at += 1;
  return parts;
}

function readQuotedCharacter(cursor: Cursor, character: string): WordPart {
  const next = cursor.source[cursor.at + 1] ?? '';
  const isEscape = character === '\\' && '$`"\\\n'.includes(next) && next !== '';
  moveTo(cursor, cursor.at + (isEscape ? 2 : 1));
  const text = isEscape ? (next === '\n' ? '' : next) : character;
  return { kind: 'text', text, quoted: true };
}

function readDollar(cursor: Cursor, readScript: ReadScript, quoted: boolean): WordPart {
  const next = cursor.source[cursor.at + 1] ?? '';
  if (next === '(') {
    if (cursor.source[cursor.at + 2] === '(') {
      throw new ShellSyntaxError('arithmetic is not modelled here', cursor.line);
    }
    cursor.at += 2;
    const script = readScript(cursor);
    return { kind: 'command', script, quoted };
  }
  if (next === '{') return readBraces(cursor, readScript, quoted);
  const name = readName(cursor.source, cursor.at + 1) ?? (SPECIALS.includes(next) ? next : '');
  cursor.at += 1 + name.length;
  return name ? { kind: 'parameter', name, quoted } : { kind: 'text', text: '$', quoted };
}

function readBraces(cursor: Cursor, readScript: ReadScript, quoted: boolean): WordPart {
  cursor.at += 2;
  const isLength = cursor.source[cursor.at] === '#' && cursor.source[cursor.at + 1] !== '}';
  if (isLength) cursor.at += 1;
  const name = readName(cursor.source, cursor.at) ?? cursor.source[cursor.at] ?? '';
  cursor.at += name.length;
  const operator = isLength
    ? 'length'
    : OPERATORS.find((candidate) => cursor.source.startsWith(candidate, cursor.at));
  if (operator && !isLength) cursor.at += operator.length;
  const operand = operator && !isLength ? readOperand(cursor, readScript, quoted) : undefined;
  if (cursor.source[cursor.at] !== '}') throw new ShellSyntaxError('Bad substitution', cursor.line);
  cursor.at += 1;
  return { kind: 'parameter', name, quoted, ...(operator && { operator }), ...(operand && { operand }) };
}

function readOperand(cursor: Cursor, readScript: ReadScript, quoted: boolean): Word {
  const parts: WordPart[] = [];
  while (cursor.at < cursor.source.length && cursor.source[cursor.at] !== '}') {
    const character = cursor.source[cursor.at] ?? '';
    if (DELIMITERS.has(character) || (quoted && character === "'")) {
      parts.push({ kind: 'text', text: character, quoted });
      moveTo(cursor, cursor.at + 1);
    } else parts.push(...readPart(cursor, readScript));
  }
  return { parts };
}

function readBackticks(cursor: Cursor, readScript: ReadScript, quoted: boolean): WordPart {
  const end = cursor.source.indexOf('`', cursor.at + 1);
  if (end < 0) throw new ShellSyntaxError('EOF in backquote substitution', cursor.line);
  const inner = cursor.source.slice(cursor.at + 1, end).replace(/\\([$`\\])/g, '$1');
  moveTo(cursor, end + 1);
  return {
    kind: 'command',
    script: readScript({ source: `${inner})`, at: 0, line: cursor.line }),
    quoted,
  };
}

function readName(source: string, at: number): string | undefined {
  NAME.lastIndex = at;
  return NAME.exec(source)?.[0];
}

/** Moves on and counts the lines that were passed. */
export function moveTo(cursor: Cursor, at: number): void {
  for (; cursor.at < at; cursor.at++) if (cursor.source[cursor.at] === '\n') cursor.line += 1;
}
