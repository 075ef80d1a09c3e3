import { describe, expect, it } from 'vitest';
import { recipe } from '../testing/recipes.ts';
import { buildArguments } from './build-args.ts';

const KERNEL = '6.1.0-1-amd64';

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
