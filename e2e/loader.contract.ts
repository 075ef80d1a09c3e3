import { beforeAll, describe, expect, it } from 'vitest';
import { LOADER_SCENARIOS } from './loader/loader-scenarios.ts';
import { expectedOutcome, type LoaderOutcome, type LoaderScenario } from './loader/scenario.ts';

/** A node under test: what came of each step of each scenario. */
export interface LoadersSeen {
  /** Of the node's kernel. */
  readonly release: string;
  readonly outcomes: ReadonlyMap<LoaderScenario, readonly LoaderOutcome[]>;
}

/** What hooks of loaders do on a node, to the letter: exit codes, modprobe's words, /proc/modules, the kernel's log. */
export function describeLoaders(name: string, observe: () => Promise<LoadersSeen>): void {
  describe(`loaders on ${name}:`, () => {
    let seen: LoadersSeen;
    beforeAll(async () => {
      seen = await observe();
    });

    it.each(LOADER_SCENARIOS)('$name', (scenario) => {
      const outcomes = seen.outcomes.get(scenario);
      expect(outcomes).toEqual(scenario.steps.map((step) => expectedOutcome(step, seen.release)));
    });
  });
}
