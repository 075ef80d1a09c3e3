import { styleText } from 'node:util';

/** Where text goes: a stream of the process, or a list of a test. */
export interface Screen {
  write(text: string): void;
  /** Somebody looks at it: colours and redrawn lines make sense. */
  readonly isTTY: boolean;
  readonly columns: number;
}

export type Env = Readonly<Record<string, string | undefined>>;
type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

const GOOD = new Set(['Ready', 'True', 'running', 'create', 'ok']);
const BAD = new Set(['Degraded', 'Failed', 'stopped', 'delete', 'error']);
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

/** Text as it is: for pipes, files and tests. */
export const plain: Paint = (_style, text) => text;

/** Colours only where somebody sees them: never in a pipe, with NO_COLOR, or on a dumb terminal. */
export function createPaint(screen: Screen, env: Env): Paint {
  const isColoured = screen.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return isColoured ? (style, text) => styleText(style, text, { validateStream: false }) : plain;
}

/** Colour of a state word, the same in every command; the reason of a failure takes the colour of its state. */
export function paintState(paint: Paint, word: string, state = word): string {
  if (GOOD.has(state)) return paint('green', word);
  return paint(BAD.has(state) ? 'red' : 'yellow', word);
}

export interface Step {
  readonly text: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly elapsedMs: number;
}

/** A step as one line of at most `columns` characters. Pure. @param frame counts the redraws */
export function renderStep({ text, state, elapsedMs }: Step, frame: number, columns: number, paint: Paint) {
  const mark = { running: FRAMES[frame % FRAMES.length] ?? '', done: '✔', failed: '✘' }[state];
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`;
  const room = Math.max(columns - seconds.length - 6, 8);
  const shown = text.length > room ? `${text.slice(0, room - 1)}…` : text;
  const colour = { running: 'cyan', done: 'green', failed: 'red' } as const;
  return `${paint(colour[state], mark)} ${shown}  ${paint('dim', seconds)}`;
}

export interface Steps {
  /** Begins a step; the one before it is done. */
  next(text: string): void;
  /** Ends the last step. Nothing happens when it has ended already. */
  end(state: 'done' | 'failed'): void;
}

/** Progress, a line per step: redrawn while it runs on a terminal, written once elsewhere. @param now milliseconds */
export function createSteps(screen: Screen, env: Env, now: () => number): Steps {
  const isLive = screen.isTTY && env['TERM'] !== 'dumb';
  const paint = createPaint(screen, env);
  let current: { text: string; startedMs: number; frame: number; timer: NodeJS.Timeout } | undefined;

  const draw = (state: Step['state'], end = '') => {
    if (!current) return;
    const { text, startedMs, frame } = current;
    const line = renderStep({ text, state, elapsedMs: now() - startedMs }, frame, screen.columns, paint);
    screen.write(`\r\u001B[2K${line}${end}`);
    current.frame++;
  };
  const end: Steps['end'] = (state) => {
    if (!current) return;
    clearInterval(current.timer);
    draw(state, '\n');
    current = undefined;
  };

  return {
    next(text) {
      if (!isLive) return screen.write(`${text}\n`);
      end('done');
      const timer = setInterval(() => draw('running'), FRAME_MS);
      timer.unref();
      current = { text, startedMs: now(), frame: 0, timer };
      draw('running');
    },
    end,
  };
}
