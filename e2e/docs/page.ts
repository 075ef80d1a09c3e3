import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');

/** A fenced or indented block of a page. */
export interface Block {
  /** What stands behind the fence; empty for an indented block. */
  readonly language: string;
  /** The second word behind the fence: what tests call it by. */
  readonly name: string;
  readonly text: string;
}

export const readPage = (path: string) => readFileSync(join(root, path), 'utf8');

/** Blocks of a page in Markdown, in order. */
export function blocksOf(markdown: string): Block[] {
  const fenced = /^```(\w*) ?([\w-]*)\n([\s\S]*?)^```$/gm;
  const indented = /(?:^ {4}.*\n|^\n(?= {4}))+/gm;
  const rest = markdown.replace(fenced, '');
  return [
    ...[...markdown.matchAll(fenced)].map(([, language = '', name = '', text = '']) => ({
      ...{ language, name, text },
    })),
    ...[...rest.matchAll(indented)].map(([text]) => ({
      ...{ language: '', name: '', text: text.replace(/^ {4}/gm, '').trim() },
    })),
  ];
}

/** Commands of a page, as one line each: continued lines put together, comments and what follows a pipe apart. */
export function commandsOf(text: string): string[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/ \| /))
    .map((command) => command.trim())
    .filter((command) => command !== '');
}

/** Words of a command as a shell takes them apart, quotes and all. */
export const wordsOf = (command: string): string[] =>
  command.match(/(?:\$\(.*?\)|'[^']*'|"[^"]*"|[^\s"'])+/g) ?? [];

/**
 * Runs the block of a page as somebody who types it, and returns what it prints. This process goes on meanwhile.
 *
 * @throws what `execFile` throws, when a command fails
 */
export async function runBlock(
  path: string,
  name: string,
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<string> {
  const texts = blocksOf(readPage(path)).filter((block) => block.name === name);
  if (texts.length !== 1) throw new Error(`${path} has ${texts.length} blocks called ${name}, not one`);
  const env = { ...process.env, ...options.env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` };
  const script = ['-eo', 'pipefail', '-c', texts[0]?.text ?? ''];
  const { stdout } = await promisify(execFile)('bash', script, { cwd: options.cwd, env });
  return stdout;
}
