import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plain } from '../output/terminal.ts';
import { kmm } from '../testing/kmm.ts';
import { failureIn, stepsIn } from './lab-log.ts';
import { type LabState, labPaths } from './lab-state.ts';
import { renderHints, renderLab } from './render-lab.ts';

const state: LabState = {
  pid: process.pid,
  registry: '127.0.0.1:5000',
  kernels: { common: 'a', edge: 'b', upgrade: 'c' },
  clusters: [
    { name: 'hub', server: 'https://127.0.0.1:1' },
    { name: 'east', server: 'https://127.0.0.1:2' },
  ],
  processes: { hub: 11 },
};

let folder = '';
const inFolder = (...parts: string[]) => join(folder, ...parts);
const lab = (command: string, ...flags: string[]) => kmm(['lab', command, '--dir', folder, ...flags]);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-cli-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('status', () => {
  it('tells what runs and how to reach it', async () => {
    writeFileSync(inFolder('state.json'), JSON.stringify(state));
    const { code, out } = await lab('status');

    expect(code).toBe(0);
    expect(out).toContain(`kubeconfig  ${inFolder('kubeconfig')}`);
    expect(out).toMatch(/^hub +kmm-hub +(running|stopped) +11 +0 +https:\/\/127\.0\.0\.1:1$/m);
  });

  it('is the state in JSON, with the kubeconfig', async () => {
    writeFileSync(inFolder('state.json'), JSON.stringify(state));

    expect(JSON.parse((await lab('status', '-o', 'json')).out)).toEqual({
      ...state,
      kubeconfig: inFolder('kubeconfig'),
    });
  });

  it.each([
    ['no lab was started', undefined],
    ['the lab has ended', JSON.stringify({ ...state, pid: 2 ** 30 })],
    ['its file is half written', '{"pid": 1'],
    ['its file is empty', ''],
    ['its file holds something else', 'null'],
  ])('is an error with the next step when %s, in text and in JSON', async (_name, text) => {
    if (text !== undefined) writeFileSync(inFolder('state.json'), text);
    const words = `kmm: No lab is up in ${folder}. Start one with: kmm lab up\n`;

    expect(await lab('status')).toEqual({ code: 1, out: '', err: words });
    expect(await lab('status', '-o', 'json')).toEqual({ code: 1, out: 'null\n', err: words });
  });

  it('marks what has stopped or never ran', () => {
    const text = renderLab(state, () => false, plain);

    expect(text).toMatch(/^hub .+ stopped +11 /m);
    expect(text).toMatch(/^east .+ stopped +- /m);
    expect(renderLab(state, () => true, plain)).toMatch(/^hub .+ running +11 /m);
  });
});

describe('down', () => {
  it('removes the folder of a lab that has ended', async () => {
    mkdirSync(inFolder('logs'));
    writeFileSync(inFolder('logs', 'lab.log'), '');

    expect(await lab('down')).toEqual({ code: 0, out: 'No lab was up.\n', err: '' });
    expect(existsSync(folder)).toBe(false);
  });

  it('never removes a folder that is not of a lab, and says so', async () => {
    writeFileSync(inFolder('thesis.txt'), 'years of work');
    const { code, err } = await lab('down');

    expect(code).toBe(1);
    expect(err).toContain(
      `--dir: ${folder} is not the folder of a lab and is left alone. Name a new or empty folder.`,
    );
    expect(existsSync(inFolder('thesis.txt'))).toBe(true);
  });

  it('has nothing to do where no folder is', async () => {
    rmSync(folder, { recursive: true });

    expect(await lab('down', '-o', 'json')).toEqual({ code: 0, out: '{"stopped":false}\n', err: '' });
  });
});

it('refuses to start a second lab in the same folder', async () => {
  writeFileSync(inFolder('state.json'), JSON.stringify(state));
  const { code, err } = await lab('up');

  expect([code, err]).toEqual([
    1,
    `kmm: A lab is up already in ${folder}. Use it, or end it with: kmm lab down\n`,
  ]);
});

describe('while another start is under way in the folder', () => {
  const lock = () => `${folder}.starting`;
  const underWay = () =>
    `kmm: Another start is under way in ${folder}, process ${process.pid}. Wait for it, or end it. Its lock is ${lock()}\n`;
  beforeEach(() => {
    mkdirSync(inFolder('logs'));
    writeFileSync(inFolder('logs', 'lab.log'), 'first');
  });
  afterEach(() => rmSync(lock(), { force: true }));

  it.each(['up', 'down'])('%s is refused, and what is there is left alone', async (command) => {
    writeFileSync(lock(), String(process.pid));

    expect(await lab(command)).toEqual({ code: 1, out: '', err: underWay() });
    expect(readFileSync(inFolder('logs', 'lab.log'), 'utf8')).toBe('first');
    expect(existsSync(lock())).toBe(true);
  });

  it.each(['', 'x', String(2 ** 30)])(
    'the lock "%s" of a start that was killed holds up nobody',
    async (text) => {
      writeFileSync(inFolder('state.json'), JSON.stringify(state));
      writeFileSync(lock(), text);

      expect((await lab('up')).err).toContain('A lab is up already');
      expect(existsSync(lock()), 'and no lock is left').toBe(false);
    },
  );
});

describe('the log of a start', () => {
  const line = (fields: object) => `${JSON.stringify(fields)}\n`;
  const progress = (message: string) => line({ msg: 'lab.progress', message });

  it('gives the steps that are whole, whatever else stands there', () => {
    const log = `${progress('one')}npm warn\n${line({ msg: 'other', message: 'no' })}${progress('two')}{"msg":"lab.pro`;

    expect(stepsIn(log)).toEqual(['one', 'two']);
  });

  it('gives the last error in words, or the last lines where there is none', () => {
    const failed = line({
      msg: 'process.failed',
      err: { message: 'No headers. Run apt-get update.', stack: 'at x' },
    });

    expect(failureIn(progress('one') + failed)).toBe('No headers. Run apt-get update.');
    expect(failureIn('SyntaxError: here\n')).toBe('SyntaxError: here');
  });
});

it('names the paths of the lab in its hints', () => {
  const kernels = { common: '6.1.0-1', edge: '6.1.0-2', upgrade: '6.1.0-3' };
  const hints = renderHints(labPaths('/x'), { kernels } as LabState);

  expect(hints).toContain('export KUBECONFIG=/x/kubeconfig');
  expect(hints).toContain('kubectl apply -f /x/manifests');
  expect(hints).toContain('lab.kmm.sigs.x-k8s.io/kernel=6.1.0-3');
});

it('is looked for in --dir, then $KMM_LAB_DIR, then .lab', () => {
  expect(labPaths('/a', { KMM_LAB_DIR: '/b' }).directory).toBe('/a');
  expect(labPaths(undefined, { KMM_LAB_DIR: '/b' }).directory).toBe('/b');
  expect(labPaths(undefined, {}).directory).toMatch(/\/\.lab$/);
});
