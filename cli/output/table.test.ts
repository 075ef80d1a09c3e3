import { expect, it } from 'vitest';
import { table } from './table.ts';
import { oneLine, renderTree } from './tree.ts';

it('aligns columns without borders and without blanks at the end', () => {
  expect(
    table(
      ['A', 'LONGER'],
      [
        ['wide cell', 'x'],
        ['', 'y'],
      ],
    ),
  ).toBe(['A           LONGER', 'wide cell   x', '            y'].join('\n'));
});

it('aligns coloured cells by what is seen of them', () => {
  const [, first, second] = table(
    ['A', 'B'],
    [
      ['\u001B[32mok\u001B[39m', 'x'],
      ['ok', 'x'],
    ],
  ).split('\n');

  expect(first?.replace('\u001B[32m', '').replace('\u001B[39m', '')).toBe(second);
});

it('draws a branch for each child and closes the last', () => {
  const children = [
    { line: 'a', children: [{ line: 'a1' }, { line: 'a2' }] },
    { line: 'b', children: [{ line: 'b1' }] },
  ];

  expect(renderTree({ line: 'root', children })).toEqual([
    'root',
    '├─ a',
    '│  ├─ a1',
    '│  └─ a2',
    '└─ b',
    '   └─ b1',
  ]);
});

it('puts a message of many lines on one', () => {
  expect(oneLine('  first\n   second\n')).toBe('first | second');
});
