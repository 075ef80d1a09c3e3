import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createScreen, kmm } from '../testing/kmm.ts';
import { createPaint, createSteps, paintState, plain, renderStep } from './terminal.ts';

const ESCAPE = '\u001B';
const spec = '{selector: {}, devicePlugin: {container: {image: plugin:1}}}';
const module = `{apiVersion: kmm.sigs.x-k8s.io/v1beta1, kind: Module, metadata: {name: kmod}, spec: ${spec}}`;
const lint = (world: { isTTY?: boolean; env?: Record<string, string> }, ...flags: string[]) =>
  kmm(['lint', '-f', 'a.yaml', ...flags], { ...world, files: { 'a.yaml': module } });

describe('colours', () => {
  it('stand on a terminal', async () => {
    expect((await lint({ isTTY: true })).out).toContain(`${ESCAPE}[32mok${ESCAPE}[39m`);
  });

  it.each([
    ['in a pipe', lint({})],
    ['in a pipe, also when they are forced', lint({ env: { FORCE_COLOR: '1' } })],
    ['with NO_COLOR', lint({ isTTY: true, env: { NO_COLOR: '1' } })],
    ['on a dumb terminal', lint({ isTTY: true, env: { TERM: 'dumb' } })],
    ['in JSON', lint({ isTTY: true }, '-o', 'json')],
    ['in help', kmm(['--help'], { isTTY: true })],
    ['in errors', kmm(['lab', 'status'], { isTTY: true })],
  ])('are left out %s', async (_name, outcome) => {
    const { out, err } = await outcome;

    expect(`${out}${err}`).toMatch(/\w/);
    expect(`${out}${err}`).not.toContain(ESCAPE);
  });

  it('tell good from bad, and the reason of a failure as the failure', () => {
    const paint = createPaint(createScreen(true), {});
    const codes = [
      paintState(paint, 'Ready'),
      paintState(paint, 'BuildFailed', 'Degraded'),
      paintState(paint, 'Soon'),
    ];

    expect(codes.map((text) => text.slice(2, 4))).toEqual(['32', '31', '33']);
  });
});

describe('a step', () => {
  const step = { text: 'making the toolkit image', state: 'running', elapsedMs: 1_234 } as const;

  it('shows what runs, how long, and how it ended', () => {
    expect(renderStep(step, 0, 80, plain)).toBe('⠋ making the toolkit image  1.2 s');
    expect(renderStep({ ...step, state: 'done' }, 5, 80, plain)).toBe('✔ making the toolkit image  1.2 s');
    expect(renderStep({ ...step, state: 'failed' }, 5, 80, plain)).toBe('✘ making the toolkit image  1.2 s');
  });

  it.each([20, 24, 30, 80])('never wraps in %d columns: a redraw could not take it back', (columns) => {
    expect(renderStep({ ...step, text: 'x'.repeat(200) }, 0, columns, plain).length).toBeLessThanOrEqual(
      columns,
    );
  });
});

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const begin = (isTTY: boolean, env = {}) => {
    const screen = createScreen(isTTY);
    return { screen, steps: createSteps(screen, { NO_COLOR: '1', ...env }, () => Date.now()) };
  };

  it('is redrawn on its line on a terminal, one line per step', () => {
    const { screen, steps } = begin(true);
    steps.next('one');
    vi.advanceTimersByTime(250);
    steps.next('two');
    steps.end('failed');
    const shown = screen
      .text()
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf('\r') + 5));

    expect(shown).toEqual(['✔ one  0.3 s', '✘ two  0.0 s', '']);
    expect(screen.text()).toContain(`\r${ESCAPE}[2K⠹ one  0.2 s`);
  });

  it.each([
    ['in a pipe', false, {}],
    ['on a dumb terminal', true, { TERM: 'dumb' }],
  ])('is a plain line per step %s', (_name, isTTY, env) => {
    const { screen, steps } = begin(isTTY, env);
    steps.next('one');
    vi.advanceTimersByTime(1_000);
    steps.next('two');
    steps.end('done');

    expect(screen.text()).toBe('one\ntwo\n');
  });

  it('stops drawing at its end, however often that is told', () => {
    const { screen, steps } = begin(true);
    steps.next('one');
    steps.end('done');
    const before = screen.text();
    vi.advanceTimersByTime(1_000);
    steps.end('failed');

    expect(screen.text()).toBe(before);
  });
});
