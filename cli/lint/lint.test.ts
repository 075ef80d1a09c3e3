import { describe, expect, it } from 'vitest';
import { kmm } from '../testing/kmm.ts';
import type { Linted } from './lint-objects.ts';

const mapping = `{regexp: '^6', containerImage: 'registry.test/kmod:1'}`;
const loader = (inner: string) => `moduleLoader: {container: {${inner}}}`;
const module = (spec: string, metadata = 'name: kmod, namespace: ns') => `
apiVersion: kmm.sigs.x-k8s.io/v1beta1
kind: Module
metadata: {${metadata}}
spec: {selector: {}, ${spec}}
`;
const good = module(loader(`modprobe: {moduleName: kmod}, kernelMappings: [${mapping}]`));
const secret = '{apiVersion: v1, kind: Secret, metadata: {name: key}}';

const lint = (text: string, ...flags: string[]) =>
  kmm(['lint', '-f', 'a.yaml', ...flags], { files: { 'a.yaml': text } });
const lintJson = async (text: string) => JSON.parse((await lint(text, '-o', 'json')).out) as Linted[];

it('passes a good file with exit code 0 and says what it saw', async () => {
  expect(await lint(good)).toEqual({
    code: 0,
    out: 'ok       a.yaml: Module kmod\n\n1 object, 0 errors, 0 warnings.\n',
    err: '',
  });
});

describe('a wrong object is one finding with object, field and next step, and exit code 1', () => {
  const container = 'spec.moduleLoader.container';
  it.each([
    ['an unknown field', module('selektor: {}'), 'spec.selektor'],
    ['a missing field', good.replace('selector: {}, ', ''), 'spec.selector'],
    ['a wrong type', module('tolerations: 7'), 'spec.tolerations'],
    ['a wrong version', good.replace('v1beta1', 'v1'), 'apiVersion'],
    ['a mapping without a match', good.replace("regexp: '^6', ", ''), `${container}.kernelMappings[0]`],
    ['a bad regexp', good.replace('^6', '('), `${container}.kernelMappings[0].regexp`],
    ['no module name', good.replace('moduleName: kmod', ''), `${container}.modprobe.moduleName`],
    ['a name that no object can have', good.replace('name: kmod,', 'name: My_Kmod,'), 'metadata.name'],
    ['a long name', good.replace('name: kmod,', `name: ${'k'.repeat(42)},`), 'metadata.name'],
    ['an unknown kind of ours', good.replace('kind: Module', 'kind: Modul'), 'kind'],
    ['no kind', good.replace('kind: Module\n', ''), 'kind'],
    ['no name', module('', 'namespace: ns'), 'metadata.name'],
  ])('%s', async (_name, text, path) => {
    const [result, ...others] = await lintJson(text);
    const { code, out } = await lint(text);

    expect(others).toEqual([]);
    expect(result?.findings).toMatchObject([
      { path, severity: 'error', nextStep: expect.stringMatching(/.\.$/) },
    ]);
    expect(code).toBe(1);
    const object = result?.name ? `${result.kind || 'object'} ${result.name}` : 'Module in document 1';
    expect(out.split('\n')[0]).toContain(`a.yaml: ${object}: ${path}: `);
  });
});

describe('a wrong file is one finding and exit code 1', () => {
  it.each([
    ['text that is no YAML', 'a: [', 'YamlInvalid', /line 1, column \d+: This is not YAML/],
    ['a key that stands twice', 'a: 1\na: 2', 'YamlInvalid', /Map keys must be unique/],
    ['an alias that leads nowhere', 'a: *b', 'YamlInvalid', /Unresolved alias/],
    ['an empty file', '', 'FileEmpty', /a\.yaml: The file is empty/],
    ['a file of comments', '# nothing\n---\n', 'FileEmpty', /a\.yaml: The file is empty/],
    ['a document that is a list', '- a', 'NotAnObject', /document 1: The document is a list/],
    ['a document that is a word', 'hello', 'NotAnObject', /document 1: The document is a string/],
    ['kinds of others only', secret, 'NothingToCheck', /a\.yaml: kind: .* only: Secret/],
  ])('%s', async (_name, text, reason, words) => {
    const results = await lintJson(text);
    const { code, out } = await lint(text);

    expect(results.flatMap(({ findings }) => findings)).toMatchObject([{ reason, severity: 'error' }]);
    expect(code).toBe(1);
    expect(out).toMatch(words);
  });

  it('a file that is not there, and the others are still checked', async () => {
    const { code, out } = await kmm(['lint', '-f', 'a.yaml', 'b.yaml'], { files: { 'b.yaml': good } });

    expect(code).toBe(1);
    expect(out).toContain('error    a.yaml: The file cannot be read: it does not exist. Name a YAML file');
    expect(out).toContain('ok       b.yaml: Module kmod');
  });
});

it('checks every document, also behind a broken one, and skips what is not ours', async () => {
  const results = await lintJson(`${good}---\na: [\n---\n${secret}\n---\n${good.replace('kmod,', 'other,')}`);

  expect(
    results.map(({ document, name, skipped, findings }) => [document, name, skipped, findings.length]),
  ).toEqual([
    [1, 'kmod', false, 0],
    [2, '', false, 1],
    [3, 'key', true, 0],
    [4, 'other', false, 0],
  ]);
});

it('takes a list apart, as kubectl prints it', async () => {
  const items = [good, good.replace('kmod,', 'other,')].map((text) => `-${text.replaceAll('\n', '\n  ')}`);
  const results = await lintJson(`apiVersion: v1\nkind: List\nitems:\n${items.join('\n')}`);

  expect(results.map(({ name }) => name)).toEqual(['kmod', 'other']);
});

it('tells warnings and does not fail for them', async () => {
  const { code, out } = await lint(good.replace('kmod:1', 'kmod'));

  expect(code).toBe(0);
  expect(out).toContain(
    'warning  a.yaml: Module kmod: spec.moduleLoader.container.kernelMappings[0].containerImage',
  );
  expect(out).toContain('1 object, 0 errors, 1 warning.');
});

it.each([
  ['a placeholder for a name', good.replace('name: kmod,', 'name: <my-kmod>,'), 'Placeholder'],
  [
    'a placeholder for an image',
    good.replace('registry.test/kmod:1', '<your registry>/kmod:1'),
    'Placeholder',
  ],
  ['a form feed in a regexp', good.replace('^6', '^6\\fc37'), 'RegexpDoubtful'],
])('warns of %s', async (_what, text, reason) => {
  const results = await lintJson(text);

  expect(results.flatMap(({ findings }) => findings)).toMatchObject([{ reason, severity: 'warning' }]);
});

it('skips files of other kinds as long as one file holds ours', async () => {
  const { code, out } = await kmm(['lint', '-f', 'a.yaml', 'b.yaml'], {
    files: { 'a.yaml': secret, 'b.yaml': good },
  });

  expect(code).toBe(0);
  expect(out).toContain('skipped  a.yaml: Secret key');
});

it('reads standard input for -', async () => {
  const { code, out } = await kmm(['lint', '-f', '-'], { files: { '-': good } });

  expect([code, out]).toEqual([0, expect.stringContaining('standard input: Module kmod')]);
});

it('keeps the shape of its JSON', async () => {
  expect(await lintJson(module('selektor: {}'))).toEqual([
    {
      file: 'a.yaml',
      document: 1,
      kind: 'Module',
      name: 'kmod',
      skipped: false,
      findings: [
        {
          reason: 'UnknownField',
          path: 'spec.selektor',
          message: 'Unknown field "selektor".',
          nextStep: 'Did you mean selector? Check the spelling or remove it.',
          severity: 'error',
        },
      ],
    },
  ]);
});

it.each([
  [[], 'Name another, or say -R when they are in folders of it.'],
  [['-R'], 'Name another.'],
])('fails for a folder without a manifest, with the next step: %j', async (flags, next) => {
  const { code, out } = await kmm(['lint', '-f', 'a.yaml', 'deploy/', ...flags], {
    files: { 'a.yaml': good },
  });

  expect(code).toBe(1);
  expect(out).toContain(`error    deploy/: The folder holds no *.yaml, *.yml or *.json file. ${next}\n`);
});
