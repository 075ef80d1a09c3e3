import { expect, it } from 'vitest';
import type { Contract } from './contract.ts';

/** A server that has too much to do. */
export function describeFlowControl({ overload }: Contract): void {
  it('refuses what is too much with 429 in plain text, says in how many seconds to ask again, and does the rest', async () => {
    const { crowd, alone } = await overload();

    const refused = crowd.filter(({ status }) => status === 429);
    const done = crowd.filter(({ status }) => status === 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(done.length).toBeGreaterThan(0);
    expect(refused.length + done.length).toBe(crowd.length);
    for (const { retryAfter, text } of refused) {
      expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
      expect(text).toBe('Too many requests, please try again later.\n');
    }
    expect(alone.status).toBe(200);
  });
}
