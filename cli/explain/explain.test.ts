import { REASONS } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { kmm } from '../testing/kmm.ts';

it('tells what a reason means and what to do, however it is written', async () => {
  expect(await kmm(['explain', 'kernelnotmapped'])).toEqual({
    code: 0,
    err: '',
    out: [
      'KernelNotMapped',
      `  ${REASONS.KernelNotMapped.meaning}`,
      `  Next: ${REASONS.KernelNotMapped.todo}`,
      '  docs/reasons.md#kernelnotmapped\n',
    ].join('\n'),
  });
});

it('tells all of them to programs', async () => {
  const { out } = await kmm(['explain', '-o', 'json']);
  const names = (JSON.parse(out) as { name: string }[]).map(({ name }) => name);

  expect(names).toEqual(Object.keys(REASONS).sort());
});

it('says when a word is not ours', async () => {
  const { code, err } = await kmm(['explain', 'Evicted']);

  expect(code).toBe(1);
  expect(err).toBe(
    'kmm: No reason is called Evicted. It may be a word of Kubernetes itself; list ours with: kmm explain\n',
  );
});

it('knows a word that is mistyped', async () => {
  expect((await kmm(['explain', 'KernelNotMaped'])).err).toBe(
    'kmm: No reason is called KernelNotMaped. Did you mean KernelNotMapped? Run: kmm explain KernelNotMapped\n',
  );
});
