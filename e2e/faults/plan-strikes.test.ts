import { describe, expect, it } from 'vitest';
import { planStrikes, type Strike, type Victim } from './plan-strikes.ts';

const ON_ALL = [
  'answer 401',
  'answer 410',
  'answer 429',
  'answer 500',
  'answer 503',
  'compact',
  'cut operator',
  'cut-after',
  'cut-before',
  'delay',
  'end token',
  'kill etcd',
  'kill kube-apiserver',
  'kill operator',
  'rotate token',
  'set clock',
  'stall',
  'stall watches',
  'twice',
];
const ON_CLUSTERS = [
  'kill work agent',
  'renew certificate',
  'replace agent, registration',
  'replace agent, work',
  'rotate agent token, registration',
  'rotate agent token, work',
];
const EXPECTED: Readonly<Record<Victim, readonly string[]>> = {
  hub: ON_ALL,
  east: [...ON_ALL, ...ON_CLUSTERS].sort(),
  west: [...ON_ALL, ...ON_CLUSTERS].sort(),
};

function kindOf(strike: Strike): string {
  if ('agent' in strike) return `${strike.what}, ${strike.agent}`;
  if (strike.what !== 'requests') return strike.what;
  const { fault } = strike;
  return fault.kind === 'answer' ? `answer ${fault.status}` : fault.kind;
}
const strikesOf = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => planStrikes(first + index)).flat(2);

describe('a plan of strikes', () => {
  it('is equal for equal seeds and another for others', () => {
    expect(planStrikes(7)).toEqual(planStrikes(7));
    expect(planStrikes(7)).not.toEqual(planStrikes(8));
  });

  it.each<Victim>(['hub', 'east', 'west'])('strikes %s in every way within any forty seeds', (victim) => {
    for (let first = 0; first < 960; first += 1) {
      const own = strikesOf(first, 40).filter(({ strike }) => strike.of === victim);
      const kinds = new Set(own.map(({ strike }) => kindOf(strike)));
      expect([...kinds].sort(), `seeds from ${first}`).toEqual(EXPECTED[victim]);
    }
  });

  it('sets no clock right, which would be no fault', () => {
    const set = strikesOf(1, 100).flatMap(({ strike }) =>
      strike.what === 'set clock' ? [strike.aheadMs] : [],
    );
    expect(set.length).toBeGreaterThan(0);
    expect(set).not.toContain(0);
  });

  it('kills no more API servers and etcds than one in six seeds', () => {
    const kills = strikesOf(1, 600).filter(({ strike }) => /^kill (etcd|kube)/.test(strike.what));
    expect(kills).toHaveLength(100);
  });

  it('strikes until a step ends, and not only while it begins', () => {
    const plans = Array.from({ length: 100 }, (_, seed) => planStrikes(seed));
    const latest = [0, 1, 2, 3].map((step) =>
      Math.max(...plans.flatMap((plan) => (plan[step] ?? []).map(({ atMs }) => atMs))),
    );
    expect(latest.map((ms) => Math.round(ms / 500) * 500)).toEqual([3_000, 2_500, 1_500, 1_000]);
  });
});
