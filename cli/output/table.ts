import Table from 'cli-table3';

const BORDERS = ['top', 'bottom'].flatMap((name) => [name, `${name}-mid`, `${name}-left`, `${name}-right`]);
const INNER = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'];
const CHARS = Object.fromEntries([...BORDERS, ...INNER].map((name) => [name, '']));

/** Columns with a heading, aligned, without borders: reads like kubectl and splits on blanks. Pure. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const style = { 'padding-left': 0, 'padding-right': 3, head: [], border: [] };
  const drawn = new Table({ head: [...heading], chars: CHARS, style });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
