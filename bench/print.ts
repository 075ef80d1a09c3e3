import type { Figure } from './measure.ts';

/** Prints figures as a table. True when none is above its limit. */
export function print(figures: readonly Figure[]): boolean {
  for (const { name, value, ratio, ratioMax } of figures) {
    const verdict = ratio > ratioMax ? 'ABOVE' : 'ok';
    console.log(
      `${name.padEnd(64)} ${value.padStart(26)}   ${ratio.toFixed(2)} (limit ${ratioMax}) ${verdict}`,
    );
  }
  return figures.every(({ ratio, ratioMax }) => ratio <= ratioMax);
}
