import { expect, it } from 'vitest';
import type { Contract } from './contract.ts';

/** A server that has too much to do. */
export function describeFlowControl({ overload }: Contract): void {
  it('refuses what is too much with 429 in plain text, and says in how many seconds to ask again', async () => {
    const { status, retryAfter, text } = await overload();

    expect(status).toBe(429);
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
    expect(text).toBe('Too many requests, please try again later.\n');
  });
}
