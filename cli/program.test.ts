import { describe, expect, it } from 'vitest';
import { kmm } from './testing/kmm.ts';

const commands = [
  [],
  ['lab'],
  ['lab', 'up'],
  ['lab', 'down'],
  ['lab', 'status'],
  ['plan'],
  ['status'],
  ['lint'],
  ['explain'],
  ['gather'],
  ['image'],
  ['image', 'inspect'],
  ['image', 'verify'],
  ['install'],
  ['install', 'check'],
  ['install', 'privileges'],
  ['uninstall'],
  ['toolkit'],
  ['toolkit', 'build'],
];

it.each(commands.map((command) => [['kmm', ...command].join(' '), command] as const))(
  'tells the use of %s on standard output, with exit code 0',
  async (name, command) => {
    const { code, out, err } = await kmm([...command, '--help']);

    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`Usage: ${name} `);
    expect(out.split('\n').every((line) => line.length <= 100)).toBe(true);
  },
);

it('documents its exit codes', async () => {
  const { out } = await kmm(['--help']);

  expect(out).toMatch(/Exit codes:\n {2}0 {2}done\n {2}1 {2}failed, .*\n {2}2 {2}wrong usage/);
});

it('tells its version', async () => {
  expect(await kmm(['--version'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

describe('wrong usage has exit code 2, nothing on standard output, and points to the help of the command', () => {
  it.each([
    ['no command', [], 'Usage: kmm'],
    ['no command of lab', ['lab'], 'Usage: kmm lab'],
    ['an unknown command', ['stauts'], '(kmm --help tells more)'],
    ['an unknown command of lab', ['lab', 'stop'], '(kmm lab --help tells more)'],
    ['an unknown option', ['status', '--all'], '(kmm status --help tells more)'],
    ['a missing option', ['plan'], '(kmm plan --help tells more)'],
    ['an option without its value', ['lint', '-f'], '(kmm lint --help tells more)'],
    ['an unknown format', ['lab', 'status', '-o', 'yaml'], '(kmm lab status --help tells more)'],
    ['no certificate', ['image', 'verify', 'a/b'], '(kmm image verify --help tells more)'],
    ['an argument too many', ['status', 'a', 'b'], '(kmm status --help tells more)'],
    ['a value that is none', ['uninstall', 'hub', '--timeout', 'abc'], '(kmm uninstall --help tells more)'],
    ['help for an unknown command', ['why', '--help'], "unknown command 'why'"],
    ['the same, asked otherwise', ['help', 'why'], "unknown command 'why'"],
    ['help for an unknown command of lab', ['lab', 'stop', '-h'], '(kmm lab --help tells more)'],
    ['help for a misspelled command', ['stauts', '--help'], 'Did you mean status?'],
  ])('%s', async (_name, args, hint) => {
    const { code, out, err } = await kmm(args);

    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(hint);
  });
});

it('names the command that was meant', async () => {
  expect((await kmm(['stauts'])).err).toContain('Did you mean status?');
});

it('lets a bug of ours through with its stack', async () => {
  const bug = () => {
    throw new RangeError('a bug');
  };

  await expect(
    kmm(['lab', 'status'], {
      env: {
        get KMM_LAB_DIR() {
          return bug();
        },
      },
    }),
  ).rejects.toThrow('a bug');
});
