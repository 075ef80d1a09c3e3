import { afterEach, expect, it, vi } from 'vitest';
import { createTally } from './print.ts';

afterEach(() => vi.restoreAllMocks());

const figure = { name: 'requests', value: '7', ratio: 1, ratioMax: 1.05 };
const above = { ...figure, ratio: 1.06 };

it.each([
  ['figures below and at their limit', [figure, { ...figure, ratioMax: 1 }], true],
  ['one above it, and then a good one', [above, figure], false],
  ['a good one, and then one above it', [figure, above], false],
  ['one that is no number', [{ ...figure, ratio: Number.NaN }], false],
])('only figures within their limits make a good run: %s', (_name, figures, isGood) => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const tally = createTally();
  for (const each of figures) tally.tell([each]);
  expect(tally.isGood()).toBe(isGood);
});

it("prints a figure with its limit, and upstream's beside it where there is one", () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  createTally().tell([figure, { ...figure, upstream: '7,008' }]);
  expect(log.mock.calls.map(([line]) => String(line).replaceAll(/ +/g, ' '))).toEqual([
    'requests 7 1.00 (limit 1.05) ok',
    'requests 7 1.00 (limit 1.05) ok (upstream: 7,008)',
  ]);
});
