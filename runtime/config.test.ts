import { expect, it } from 'vitest';
import * as z from 'zod';
import { readConfig } from './config.ts';

const Schema = z.object({
  NAME: z.string(),
  PORT: z.coerce.number().int().min(1).default(8080),
  LEADER_ELECTION: z.stringbool().default(true),
});

it.each<[Record<string, string | undefined>, object]>([
  [{ NAME: 'a' }, { NAME: 'a', PORT: 8080, LEADER_ELECTION: true }],
  [
    { NAME: 'a', PORT: '9' },
    { NAME: 'a', PORT: 9, LEADER_ELECTION: true },
  ],
  [
    { NAME: 'a', LEADER_ELECTION: 'false' },
    { NAME: 'a', PORT: 8080, LEADER_ELECTION: false },
  ],
  // A manifest often sets to nothing what it does not want to set.
  [
    { NAME: 'a', PORT: '', LEADER_ELECTION: undefined },
    { NAME: 'a', PORT: 8080, LEADER_ELECTION: true },
  ],
  [
    { NAME: 'a', PATH: '/bin' },
    { NAME: 'a', PORT: 8080, LEADER_ELECTION: true },
  ],
])('reads %j', (env, config) => {
  expect(readConfig(Schema, env)).toEqual({ ok: true, config });
});

it('tells all problems at once, each with its setting', () => {
  const outcome = readConfig(Schema, { NAME: '', PORT: 'none', LEADER_ELECTION: 'perhaps' });

  expect(outcome).toEqual({
    ok: false,
    problems: [
      expect.stringMatching(/^NAME: \S.*\. Set it\.$/),
      expect.stringMatching(/^PORT: "none": \S.*\. Correct it, or leave it out\.$/),
      expect.stringMatching(/^LEADER_ELECTION: "perhaps": \S.*\. Correct it, or leave it out\.$/),
    ],
  });
});
