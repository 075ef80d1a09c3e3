// make bench: figures as ratios to something measured in the same run. Exit code 1 when a ratio is above its limit.
import { createWorks, oneEvent, planFleet, signOne } from './benchmarks.ts';
import type { Figure } from './measure.ts';
import { spokeMemory } from './spoke-memory.ts';

const benchmarks: readonly (() => Promise<Figure>)[] = [
  () => planFleet(3_500, 3),
  () => createWorks(3_500),
  () => oneEvent(100, 3_500),
  () => signOne(300 * 1024),
  spokeMemory,
];

let failed = 0;
for (const benchmark of benchmarks) {
  const { name, value, ratio, ratioMax } = await benchmark();
  if (ratio > ratioMax) failed += 1;
  const verdict = ratio > ratioMax ? 'ABOVE' : 'ok';
  console.log(
    `${name.padEnd(52)} ${value.padStart(26)}   ratio ${ratio.toFixed(2)} (limit ${ratioMax}) ${verdict}`,
  );
}
process.exit(failed === 0 ? 0 : 1);
