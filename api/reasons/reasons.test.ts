import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { FAILURES } from '../../runtime/errors.ts';
import { isReason, REASON_CHAPTERS, REASONS, reasonLink } from './index.ts';
import { OF_NEIGHBOURS } from './of-the-world.ts';

const root = join(import.meta.dirname, '../..');
const filesOf = (pattern: string) =>
  globSync(pattern, { cwd: root }).filter(
    (path) => !/node_modules|\.(test|contract)\.ts$|\/testing\/|^api\/reasons\/|^cli\/lab\//.test(path),
  );
const sources = filesOf('{api,runtime,images,hub,spoke,cli,policies}/**/*.ts');
/** Calls whose arguments hold a reason, and the first one that may. */
const CALLS: Readonly<Record<string, number>> = { found: 0, warned: 0, failure: 0, condition: 2 };
const WORD = /^[A-Z][a-z]+([A-Z][a-z]*)*$/;

/** What is not ours is said in the lab as Kubernetes says it. */
const kubelet = filesOf('lab/fleet/node/*.ts').reduce<Words>(readWords, emptyWords());

interface Words {
  /** Literals where a reason is given, by the file that they stand in. */
  readonly given: Map<string, string>;
  /** All literals, and patterns of templates such as `Image${state}`. */
  readonly literals: Set<string>;
  readonly patterns: RegExp[];
}

const words = sources.reduce<Words>(readWords, emptyWords());

function emptyWords(): Words {
  return { given: new Map(), literals: new Set(), patterns: [] };
}

function readWords(seen: Words, path: string): Words {
  const file = ts.createSourceFile(
    path,
    readFileSync(join(root, path), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const give = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && WORD.test(node.text)) seen.given.set(node.text, path);
    if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(give);
    if (ts.isBinaryExpression(node)) [node.left, node.right].forEach(give);
  };
  const walk = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) seen.literals.add(node.text);
    if (ts.isTemplateExpression(node)) {
      const pattern = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('\0');
      if (/^[A-Za-z\0]*[A-Z][a-z]+[A-Za-z\0]*$/.test(pattern))
        seen.patterns.push(new RegExp(`^${pattern.replaceAll('\0', '[A-Z][A-Za-z]+')}$`));
    }
    if (ts.isPropertyAssignment(node) && node.name.getText(file) === 'reason') give(node.initializer);
    if (ts.isBindingElement(node) && node.name.getText(file) === 'reason' && node.initializer)
      give(node.initializer);
    if (ts.isCallExpression(node))
      node.arguments.slice(CALLS[node.expression.getText(file)] ?? Number.POSITIVE_INFINITY).forEach(give);
    ts.forEachChild(node, walk);
  };
  walk(file);
  return seen;
}

describe('one vocabulary of reasons', () => {
  it('has every reason that the code gives', () => {
    expect(sources.length).toBeGreaterThan(150); // a scan that saw no file proves nothing
    expect(words.given.size).toBeGreaterThan(80);
    const unknown = [...words.given].filter(([word]) => !isReason(word));
    expect(unknown, 'add them to api/reasons, and run make generate').toEqual([]);
  });

  it('has no reason that the code does not give', () => {
    const isUsed = (name: string) =>
      (name in OF_NEIGHBOURS ? kubelet : words).literals.has(name) ||
      words.patterns.some((pattern) => pattern.test(name));
    const unused = Object.keys(REASONS).filter((name) => !isUsed(name));
    expect(unused, 'remove them from api/reasons, and run make generate').toEqual([]);
  });

  it('has the reason of every failure of the world', () => {
    expect(Object.values(FAILURES).filter(({ reason }) => !isReason(reason))).toEqual([]);
  });

  it('has each reason in one chapter, in CamelCase, with a sentence of meaning and one of what to do', () => {
    const chapters = Object.values(REASON_CHAPTERS).flatMap((entries) => Object.keys(entries));
    expect(new Set(chapters).size).toBe(chapters.length);
    for (const [name, { meaning, todo }] of Object.entries(REASONS)) {
      expect(name).toMatch(WORD);
      for (const sentence of [meaning, todo]) expect(sentence).toMatch(/^\p{L}.{5,}[.\w]$/u);
    }
  });

  it('is linked by headings that the page has', () => {
    const page = readFileSync(join(root, 'docs/reasons.md'), 'utf8');
    const headings = new Set([...page.matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name.toLowerCase()));
    expect(
      Object.keys(REASONS).filter((name) => !headings.has(reasonLink(name).split('#')[1] ?? '')),
    ).toEqual([]);
  });
});
