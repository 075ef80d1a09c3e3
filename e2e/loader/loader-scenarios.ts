import { LOADS } from './loads.ts';
import { REFUSALS } from './refusals.ts';
import type { LoaderScenario } from './scenario.ts';

/** What loaders meet on nodes. The simulated node and the real one do the same in each of them, to the letter. */
export const LOADER_SCENARIOS: readonly LoaderScenario[] = [...REFUSALS, ...LOADS];
