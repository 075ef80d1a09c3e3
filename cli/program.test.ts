import { describe, expect, it } from 'vitest';
import { kmm, withFile } from './testing/run.ts';

const GOOD = `
apiVersion: hub.kmm.sigs.x-k8s.io/v1beta1
kind: ManagedClusterModule
metadata: {name: kmod}
spec:
  spokeNamespace: ns
  selector: {}
  moduleSpec:
    selector: {}
    moduleLoader:
      container:
        modprobe: {moduleName: kmod}
        kernelMappings: [{regexp: '^.+$', containerImage: r.example/kmod:1}]
`;

describe('kmm', () => {
  it.each([
    [['--help']],
    [['plan', '--help']],
    [['status', '--help']],
    [['lint', '--help']],
    [['lab', '--help']],
    [['lab', 'up', '--help']],
  ])('explains itself: %j', async (args) => {
    const { code, out, err } = await kmm(...args);

    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Usage: kmm');
  });

  it('tells its exit codes', async () => {
    expect((await kmm('--help')).out).toContain(
      'Exit codes: 0 done, 1 failed or something was found, 2 wrong usage',
    );
  });

  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['lint'], /required option '-f, --filename/],
    [['plan'], /required option '-f, --filename/],
    [['status', '--nonsense'], /unknown option '--nonsense'/],
    [['lint', '-f', 'x', '-o', 'yaml'], /Allowed choices are text, json/],
    [['lab', 'up', '--control-plane', 'cloud'], /Allowed choices are lab, real/],
  ])('ends with 2 for wrong usage: %j', async (args, message) => {
    const { code, err, out } = await kmm(...args);

    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
  });

  it('names the kubeconfig that cannot be read, and shows no stack', async () => {
    const { code, err } = await kmm('status', '--kubeconfig', '/nowhere/config');

    expect(code).toBe(1);
    expect(err).toContain('/nowhere/config');
    expect(err).not.toContain('    at ');
  });
});

describe('kmm lint', () => {
  const lint = (text: string, ...args: string[]) =>
    withFile(text, (path) => kmm('lint', '-f', path, ...args));

  it('finds nothing in a good file', async () => {
    const { code, out } = await lint(GOOD);

    expect(code).toBe(0);
    expect(out).toMatch(/^ok {2}ManagedClusterModule kmod \(.*file\.yaml\)\n$/);
  });

  it.each([
    [
      'an unknown field',
      GOOD.replace('moduleLoader:', 'moduleloader:'),
      /spec\.moduleSpec\.moduleloader: Unknown field/,
    ],
    ['a wrong type', GOOD.replace('ns\n', '7\n'), /spec\.spokeNamespace: .*string/],
    ['a bad regexp', GOOD.replace('^.+$', '(['), /kernelMappings\[0\]\.regexp: /],
    [
      'empty mappings',
      GOOD.replace(/kernelMappings: .*/, 'kernelMappings: []'),
      /container\.kernelMappings: /,
    ],
    [
      'both literal and regexp',
      GOOD.replace('[{', "[{literal: '6.1.0', "),
      /kernelMappings\[0\]: .*literal.*regexp/,
    ],
    ['no name', GOOD.replace('{name: kmod}', '{}'), /metadata\.name: /],
  ])('names object, field and next step of %s', async (_what, text, finding) => {
    const { code, out, err } = await lint(text);

    expect({ code, err }).toEqual({ code: 1, err: 'kmm: 1 error found.\n' });
    expect(out).toMatch(/^found {2}ManagedClusterModule/);
    expect(out).toMatch(finding);
  });

  it('says the same as JSON, and nothing else on standard output', async () => {
    const { code, out } = await lint(`${GOOD.replace('^.+$', '([')}---\n${GOOD}`, '-o', 'json');

    expect(code).toBe(1);
    const results = JSON.parse(out) as { findings: { path: string; nextStep: string }[] }[];
    expect(results.map(({ findings }) => findings.length)).toEqual([1, 0]);
    expect(results[0]?.findings[0]?.path).toContain('kernelMappings[0].regexp');
    expect(results[0]?.findings[0]?.nextStep).not.toBe('');
  });

  it.each([
    ['is empty', ''],
    ['holds other kinds', 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n'],
    ['holds a text', 'hello\n'],
    ['holds a list', '- a\n'],
  ])('says so when a file %s', async (_what, text) => {
    const { code, err } = await lint(text);

    expect({ code, err }).toEqual({
      code: 1,
      err: 'kmm: The files hold no Module and no ManagedClusterModule.\n',
    });
  });

  it('ends with 2 and the place when a file is no YAML', async () => {
    const { code, err } = await lint('a: [b\nc: d}\n');

    expect(code).toBe(2);
    expect(err).toMatch(/file\.yaml: .*line \d/s);
  });

  it('ends with 2 and the name when there is no file', async () => {
    const { code, err } = await kmm('lint', '-f', '/nowhere.yaml');

    expect(code).toBe(2);
    expect(err).toContain('/nowhere.yaml');
  });
});

describe('kmm plan', () => {
  it('ends with 2 when the file holds no ManagedClusterModule', async () => {
    const { code, err } = await withFile('kind: Secret\n', (path) => kmm('plan', '-f', path));

    expect({ code, err: err.replace(/\S*file/, 'file') }).toEqual({
      code: 2,
      err: 'kmm: file.yaml holds no ManagedClusterModule.\n',
    });
  });

  it('tells what would be refused, without asking a cluster', async () => {
    const { code, err } = await withFile(GOOD.replace('^.+$', '(['), (path) => kmm('plan', '-f', path));

    expect(code).toBe(1);
    expect(err).toMatch(
      /file\.yaml would be refused, and nothing would change:\n {2}.*kernelMappings\[0\]\.regexp/,
    );
  });
});

describe('kmm lab', () => {
  it('says how to start one when none is up', async () => {
    const { code, err } = await kmm('lab', 'status', '--dir', '/nowhere/lab');

    expect({ code, err }).toEqual({
      code: 1,
      err: 'kmm: No lab is up in /nowhere/lab. Start one with: kmm lab up\n',
    });
  });

  it('gives null as JSON when none is up', async () => {
    expect(await kmm('lab', 'status', '--dir', '/nowhere/lab', '-o', 'json')).toEqual({
      code: 0,
      out: 'null\n',
      err: '',
    });
  });
});
