import { existsSync, globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemIo } from '../cli/io.ts';
import { createProgram } from '../cli/program.ts';
import { createScreen, kmm } from '../cli/testing/kmm.ts';
import { FOLLOWED, INSTALL_PAGE, PRINTING, READ_ONLY } from './docs/install-page.ts';
import { blocksOf, commandsOf, readPage, wordsOf } from './docs/page.ts';

const root = join(import.meta.dirname, '..');
const PAGES = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort();

/** What people are told to type. A transcript has `$` before it. */
const typed = PAGES.flatMap((page) =>
  blocksOf(readPage(page)).flatMap(({ text }) =>
    commandsOf(text).map((command) => ({ page, command: command.replace(/^\$ /, '') })),
  ),
);
const ofKmm = typed.filter(({ command }) => /^(?:bin\/)?kmm /.test(command));
const ofMake = typed.filter(({ command }) => command.startsWith('make '));

describe('the pages', () => {
  it('tell of commands and options that there are', async () => {
    const refused: string[] = [];
    const io = { ...systemIo(), out: createScreen(), err: createScreen() };
    for (const { page, command } of ofKmm) {
      const program = createProgram(io, () => {});
      doNothing(program);
      await program.parseAsync(wordsOf(command).slice(1), { from: 'user' }).catch((error: Error) => {
        refused.push(`${page}: ${command}: ${error.message}`);
      });
    }
    expect(refused).toEqual([]);
    expect(ofKmm.length).toBeGreaterThan(20);
  });

  it('tell of targets that make has', () => {
    const makefile = readPage('Makefile');
    const unknown = ofMake.filter(
      ({ command }) => !new RegExp(`^${/^make ([\w-]+)/.exec(command)?.[1]}:`, 'm').test(makefile),
    );

    expect(unknown).toEqual([]);
    expect(ofMake.length).toBeGreaterThan(2);
  });

  it('point to files and headings that there are', () => {
    const links = PAGES.flatMap((page) =>
      [...readPage(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
        ([, path, heading]) => ({
          page,
          path: path === '' ? page : normalize(join(dirname(page), path ?? '')),
          heading,
        }),
      ),
    );
    const broken = links.filter(
      ({ path, heading }) =>
        !existsSync(join(root, path)) || (heading && !headingsOf(readPage(path)).has(heading)),
    );

    expect(broken).toEqual([]);
    expect(links.length).toBeGreaterThan(10);
  });
});

describe('the page of installing', () => {
  const blocks = blocksOf(readPage(INSTALL_PAGE));

  it('has no command that is not run, but for those that are told why', () => {
    const names = new Set(blocks.filter(({ language }) => language === 'sh').map(({ name }) => name));

    expect([...names].sort()).toEqual([...FOLLOWED, PRINTING, ...Object.keys(READ_ONLY)].sort());
  });

  it('prints what it says it prints', async () => {
    const printing = blocks.filter(({ name }) => name === PRINTING);
    const commands = printing.flatMap(({ text }) => commandsOf(text));
    const registry = 'registry.example.com/kmm';

    for (const command of commands) {
      const words = wordsOf(command.replaceAll('$REGISTRY', registry)).slice(1);
      const { code, out, err } = await kmm(words, { saved: new Map() });
      expect({ command, code, err }).toEqual({ command, code: 0, err: '' });
      expect(out).not.toBe('');
    }
    expect(commands.length).toBeGreaterThan(5);
  });
});

/** Command lines are read and judged, and nothing comes of it. */
function doNothing(command: ReturnType<typeof createProgram>): void {
  command.action(() => {});
  command.commands.forEach(doNothing);
}

/** As browsers call them. */
function headingsOf(page: string): Set<string> {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}
