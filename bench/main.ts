// make bench: figures as ratios to something measured in the same run. Exit code 1 when a ratio is above its limit.
import { asShipped } from './as-shipped.ts';
import { burst, createWorks, oneEvent, planFleet, signOne } from './benchmarks.ts';
import { gatherMemory } from './gather.ts';
import { signingMemory, throughputBesideSkopeo } from './large-image.ts';
import type { Figure } from './measure.ts';
import { oneImagePerKernel, oneLookUpPerImage } from './one-image.ts';
import { createTally } from './print.ts';
import { signBesideSignFile, signImageBesideSignFile } from './signing.ts';
import { spokeAtRest, spokeMemory } from './spoke-memory.ts';

const benchmarks: readonly (() => Promise<Figure | Figure[]>)[] = [
  () => planFleet(3_500, 3),
  () => createWorks(3_500),
  () => oneImagePerKernel(3_500, 4),
  () => oneLookUpPerImage(3_500, 4),
  () => oneEvent(100, 3_500),
  () => burst(3_500),
  () => signOne(300 * 1024),
  () => signBesideSignFile(300 * 1024),
  () => signImageBesideSignFile(50, 200 * 1024),
  () => throughputBesideSkopeo(128),
  () => signingMemory(1_000),
  () => asShipped('hub'),
  () => asShipped('spoke'),
  spokeMemory,
  spokeAtRest,
  () => gatherMemory(3_500),
];

const tally = createTally();
for (const benchmark of benchmarks) tally.tell([await benchmark()].flat());
process.exit(tally.isGood() ? 0 : 1);
