/** One line of a tree and what hangs on it. */
export interface Branch {
  readonly text: string;
  readonly children?: readonly Branch[];
}

/** Draws a tree; the root stands alone, the last child of each closes its stem. */
export function drawTree({ text, children = [] }: Branch): string[] {
  return [
    text,
    ...children.flatMap((child, index) => {
      const isLast = index === children.length - 1;
      const [first = '', ...rest] = drawTree(child);
      return [`${isLast ? '└─' : '├─'} ${first}`, ...rest.map((line) => `${isLast ? '   ' : '│  '}${line}`)];
    }),
  ];
}
