import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ItemState } from '../works/item-status.ts';
import { createTally } from './tally.ts';

const states = ['Ready', 'Progressing', 'Waiting', 'Degraded', 'Deleting'] as const;
const item = fc.record({
  state: fc.constantFrom(...states),
  reason: fc.constantFrom('Loaded', 'KernelNotMapped', 'BuildFailed'),
  message: fc.constant('m'),
  nodes: fc.record({ selected: fc.nat(5), desired: fc.nat(5), available: fc.nat(5) }),
  work: fc.record({ exists: fc.boolean(), isApplied: fc.boolean(), isDegraded: fc.boolean() }),
});
const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');

it('always equals a recount of everything', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.option(item, { nil: undefined }))), (events) => {
      const tally = createTally();
      const model = new Map<string, ItemState>();
      for (const [cluster, state] of events) {
        tally.set(cluster, state);
        if (state) model.set(cluster, state);
        else model.delete(cluster);
      }
      const all = [...model.values()];
      for (const state of states) {
        const expected = [...model]
          .filter(([, value]) => value.state === state)
          .map(([name]) => name)
          .sort();
        expect(tally.counts.states[state]).toBe(expected.length);
        expect(tally.examples(state, 100).map(({ cluster }) => cluster)).toEqual(expected);
      }
      for (const reason of ['Loaded', 'KernelNotMapped', 'BuildFailed'])
        expect(tally.counts.reasons.get(reason) ?? 0).toBe(all.filter((one) => one.reason === reason).length);
      expect(tally.counts.nodes.desired).toBe(all.reduce((sum, { nodes }) => sum + nodes.desired, 0));
      expect(tally.counts.works.applied).toBe(all.filter(({ work }) => work.isApplied).length);
    }),
  );
});
