import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tellMonitor } from './monitor.ts';

/** Answers as qemu does, with a greeting first, and keeps what it was told. */
async function startQemu(answers: readonly object[]) {
  const path = join(tmpdir(), `kmm-monitor-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const told: string[] = [];
  const server = createServer((socket) => {
    const say = (words: object) => socket.write(`${JSON.stringify(words)}\r\n`);
    say({ QMP: { version: {}, capabilities: [] } });
    let heard = '';
    socket.on('data', (bytes) => {
      heard += String(bytes);
      const lines = heard.split('\n');
      heard = lines.pop() ?? '';
      told.push(...lines);
      if (told.length < 2) return;
      for (const answer of answers) say(answer);
      socket.end();
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const stop = () => {
    server.close();
    rmSync(path, { force: true });
  };
  return { path, told, [Symbol.dispose]: stop };
}

const tell = async (...answers: readonly object[]) => {
  using qemu = await startQemu(answers);
  await tellMonitor(qemu.path, 'set_link', { name: 'net', up: false });
  return qemu.told.map((line) => JSON.parse(line) as object);
};

it('a machine is told what to do once it may be told, and events are no answers', async () => {
  expect(await tell({ return: {} }, { event: 'NIC_RX_FILTER_CHANGED' }, { return: {} })).toEqual([
    { execute: 'qmp_capabilities' },
    { execute: 'set_link', arguments: { name: 'net', up: false } },
  ]);
});

it.each([
  [
    'in qemu’s words',
    [{ return: {} }, { error: { class: 'X', desc: 'Device not found' } }],
    'Device not found',
  ],
  ['when it says nothing of it', [{ return: {} }], 'the machine has ended'],
])('what was not done fails %s', async (_how, answers, words) => {
  await expect(tell(...answers)).rejects.toThrow(`set_link: ${words}`);
});

it('what was not done fails when there is no machine', async () => {
  await expect(tellMonitor('/nowhere', 'set_link', {})).rejects.toThrow(/^set_link: .*ENOENT/);
});
