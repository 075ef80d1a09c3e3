import type { Figure } from './measure.ts';

/** Figures of one run, told as they come. */
export interface Tally {
  /** Prints them as a table. */
  tell(figures: readonly Figure[]): void;
  /** True when none of them all was above its limit. */
  isGood(): boolean;
}

export function createTally(): Tally {
  const told: Figure[] = [];
  return {
    tell(figures) {
      told.push(...figures);
      for (const figure of figures) console.log(line(figure));
    },
    isGood: () => !told.some(isAbove),
  };
}

/** Not a number is no good figure either. */
const isAbove = ({ ratio, ratioMax }: Figure) => !(ratio <= ratioMax);

function line(figure: Figure): string {
  const { name, value, ratio, ratioMax, upstream } = figure;
  const verdict = isAbove(figure) ? 'ABOVE' : 'ok';
  const beside = upstream ? `   (upstream: ${upstream})` : '';
  return `${name.padEnd(64)} ${value.padStart(26)}   ${ratio.toFixed(2)} (limit ${Number(ratioMax.toFixed(2))}) ${verdict}${beside}`;
}
