import { describe, expect, it } from 'vitest';
import { recipe } from '../testing/recipes.ts';
import { buildArguments } from './build-args.ts';
import { toolkitFor } from './toolkits.ts';

const KERNEL = '6.1.0-1-amd64';
const told = (catalogue: Record<string, string> | undefined) => {
  const toolkit = toolkitFor(catalogue, KERNEL);
  return toolkit.ok ? toolkit.value : `${toolkit.findings[0]?.reason} ${toolkit.findings[0]?.path}`;
};

describe('the toolkit of a kernel', () => {
  it.each<[string, Record<string, string> | undefined, string]>([
    ['is the first match in key order', { b: 'amd64 r/b', a: '^6 r/a' }, 'r/a'],
    ['passes over what does not match', { a: '^5 r/a', b: '^6 r/b' }, 'r/b'],
    ['has the kernel filled in', { a: '. r/dtk:${KERNEL_FULL_VERSION}' }, `r/dtk:${KERNEL}`],
    ['is missing where nothing matches', { a: '^5 r/a' }, 'ToolkitMissing '],
    ['is missing where there is no catalogue', undefined, 'ToolkitMissing '],
    ['is refused without an image', { a: '^6' }, 'ToolkitInvalid data.a'],
    ['is refused with a word too many', { a: '^6 r/a b' }, 'ToolkitInvalid data.a'],
    ['is refused with a bad regexp', { a: '([ r/a' }, 'ToolkitInvalid data.a'],
  ])('%s', (_rule, catalogue, expected) => {
    expect(told(catalogue)).toBe(expected);
  });
});

describe('build arguments', () => {
  it('are the users, then the kernel and the module, which win', () => {
    const spec = recipe({
      build: {
        dockerfileConfigMap: { name: 'd' },
        buildArgs: [
          { name: 'SITE', value: 'here' },
          { name: 'KERNEL_VERSION', value: 'mine' },
        ],
      },
    });

    expect(buildArguments(spec, 'dtk:1')).toEqual({
      SITE: 'here',
      KERNEL_VERSION: KERNEL,
      KERNEL_FULL_VERSION: KERNEL,
      MOD_NAME: 'kmod',
      MOD_NAMESPACE: 'ns',
      DTK_AUTO: 'dtk:1',
    });
  });

  it('name no toolkit where there is none', () => {
    expect(buildArguments(recipe(), undefined)).not.toHaveProperty('DTK_AUTO');
  });
});
