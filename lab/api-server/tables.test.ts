import { expect, it } from 'vitest';
import { age } from './tables.ts';

it.each([
  [0, '0s'],
  [119_000, '119s'],
  [120_000, '2m'],
  [125_000, '2m5s'],
  [600_000, '10m'],
  [179 * 60_000, '179m'],
  [180 * 60_000, '3h'],
  [200 * 60_000, '3h20m'],
  [47 * 3_600_000, '47h'],
  [48 * 3_600_000, '2d'],
  [-5_000, '0s'],
])('words %i ms as kubectl does: %s', (ms, words) => {
  expect(age(ms)).toBe(words);
});
