/** One line of a tree and what hangs below it. */
export interface Branch {
  readonly line: string;
  readonly children?: readonly Branch[];
}

/** A tree as lines, the way `tree` and `git log --graph` draw: the last child of each branch closes it. Pure. */
export function renderTree({ line, children = [] }: Branch): string[] {
  return [
    line,
    ...children.flatMap((child, index) => {
      const isLast = index === children.length - 1;
      const [first = '', ...rest] = renderTree(child);
      return [
        `${isLast ? '└─' : '├─'} ${first}`,
        ...rest.map((below) => `${isLast ? '   ' : '│  '}${below}`),
      ];
    }),
  ];
}

/** What a message of many lines says, on one: a tree and a table have no room for more. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' | ');
}
