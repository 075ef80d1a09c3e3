import { expect, it } from 'vitest';
import { AppError } from './errors.ts';
import { createLog, type LogLevel } from './log.ts';

function world(level?: LogLevel) {
  const lines: string[] = [];
  const log = createLog('hub', {
    write: (line) => lines.push(line),
    now: () => 7,
    ...(level && { level }),
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

it('writes one line of JSON per event, with its fields beside it', () => {
  const { log, lines, last } = world();
  log.info('image.built', { image: 'a\nb', key: 'n/m', durationMs: 12 });

  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\{[^\n]*\}\n$/);
  expect(last()).toEqual({
    level: 30,
    time: 7,
    component: 'hub',
    image: 'a\nb',
    key: 'n/m',
    durationMs: 12,
    msg: 'image.built',
  });
});

it.each<[LogLevel | undefined, string[]]>([
  ['debug', ['d', 'i', 'e']],
  ['info', ['i', 'e']],
  [undefined, ['i', 'e']],
  ['error', ['e']],
])('says at level %s no more than was asked for', (level, expected) => {
  const { log, lines } = world(level);
  log.debug('d');
  log.info('i');
  log.error('e');

  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(expected);
});

it('tells of an error what happened, where, and why', () => {
  const { log, last } = world();
  log.error('x', { err: new AppError('CONFLICT', 'outer', { cause: new Error('inner') }) });

  expect(last()['err']).toMatchObject({ code: 'CONFLICT', message: 'outer: inner' });
  expect((last()['err'] as Error).stack).toContain('log.test.ts');
});

const SECRET = 's3cret';
const withMembers = (members: object) => Object.assign(new Error('no'), members);

it.each<[string, unknown]>([
  ['a token', withMembers({ token: SECRET })],
  ['a password', withMembers({ password: SECRET })],
  ['a key', withMembers({ key: SECRET })],
  ['credentials of a request', withMembers({ auth: SECRET })],
  ['a header', withMembers({ authorization: SECRET })],
  ['a header of a request', withMembers({ headers: { authorization: `Bearer ${SECRET}` } })],
  ['a header as it was written', withMembers({ headers: { Authorization: `Bearer ${SECRET}` } })],
  ['a header of a request deep inside', withMembers({ options: { request: { authorization: SECRET } } })],
  ['a token of a registry', withMembers({ body: [{ access_token: SECRET }] })],
  ['a member of a cause', new Error('no', { cause: withMembers({ token: SECRET }) })],
  ['what was thrown that is no error', { token: SECRET }],
  ['what was thrown that is no error, deep inside', { config: { token: SECRET } }],
])('keeps %s out of the log', (_what, err) => {
  const { log, lines } = world();
  log.error('x', { err });

  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain(SECRET);
});

it('writes an error that contains itself', () => {
  const { log, last } = world();
  const error = withMembers({ code: 'E' });
  Object.assign(error, { request: { error } });
  log.error('x', { err: error });

  expect(last()['err']).toMatchObject({ code: 'E', message: 'no' });
});
