import { styleText } from 'node:util';
import Table from 'cli-table3';
import { Option } from 'commander';

/** How results are shown: for people on a terminal, plainly in a pipe, or as JSON for programs. */
export type Format = 'text' | 'json';

/** The flag of every command. */
export const outputOption = () =>
  new Option('-o, --output <format>', 'how to show the result').choices(['text', 'json']).default('text');

type Style = Parameters<typeof styleText>[0];

/** Colours only where somebody sees them; NO_COLOR is honoured by node itself. */
export function paint(style: Style, text: string): string {
  return process.stdout.isTTY ? styleText(style, text) : text;
}

/** Colour of a state word, the same in every command. */
export function paintState(state: string): string {
  if (['Ready', 'True', 'running'].includes(state)) return paint('green', state);
  if (['Degraded', 'Failed', 'stopped', 'Conflict', 'Missing'].includes(state)) return paint('red', state);
  return paint('yellow', state);
}

/** Columns with a heading, aligned, without borders: reads like kubectl and splits on blanks. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const bare = [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
  ];
  const inner = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'];
  const chars = Object.fromEntries([...bare, ...inner].map((name) => [name, '']));
  const style = { 'padding-left': 0, 'padding-right': 3, head: [], border: [] };
  const drawn = new Table({ head: [...heading], chars: { ...chars, middle: '' }, style });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** An error that the user can act on: printed without a stack, exit code 1 (2 for wrong usage). */
export class UserError extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
