import { expect, it } from 'vitest';
import { kmm } from '../testing/kmm.ts';

it.each([
  ['a kernel that is none', ['--kernel', '$(id)', '--image', 'r.test/dtk:1'], 2, /no release of a kernel/],
  ['an image that is none', ['--kernel', '6.1.0-1', '--image', 'r.test/DTK:1'], 2, /--image: /],
  ['no kernel', ['--image', 'r.test/dtk:1'], 2, /--kernel/],
])('kmm toolkit build refuses %s before it unpacks anything', async (_what, args, exit, told) => {
  const { code, err } = await kmm(['toolkit', 'build', ...args]);

  expect(code).toBe(exit);
  expect(err).toMatch(told);
});
