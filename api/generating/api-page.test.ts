import { expect, it } from 'vitest';
import * as z from 'zod';
import { withRules } from '../kinds/common.ts';
import { RESOURCES } from '../resources.ts';
import { apiPage } from './api-page.ts';
import type { Definition } from './custom-resource-definition.ts';
import { OWN } from './definitions.ts';

const Tls = z.strictObject({ plain: z.boolean().describe('No TLS.'), any: z.boolean().describe('All.') });
const definition: Definition = {
  resource: RESOURCES.module,
  schema: z.strictObject({
    spec: withRules(
      z.strictObject({
        names: z.array(z.string().max(9)).min(1).max(4).describe('Names | aliases in /<folder>.'),
        folder: z.string().default('/opt').describe('Folder.'),
        key: z.strictObject({ name: z.string().optional().describe('Its name.') }).describe('A Secret.'),
        pull: Tls.optional().describe('Pulls.'),
        push: Tls.optional().describe('Pushes.'),
      }),
      { rule: 'true', message: 'names must differ' },
    ).describe('What to do.'),
  }),
  description: 'An example.',
  shortNames: ['ex'],
  categories: [],
  columns: [],
};

it('tells type, bounds, need, default, meaning and rules; what two fields share is told once', () => {
  const [, page = ''] = apiPage([definition]).split('## Module\n');
  expect(page).toContain('`modules`, `ex`');
  expect(page).toContain(`### Module.spec

What to do.

| field | type | required | default | meaning |
| --- | --- | --- | --- | --- |
| \`folder\` | string |  | \`"/opt"\` | Folder. |
| \`key.name\` | string | yes |  | A Secret. Its name. |
| \`names\` | list of string (at most 9 characters), at least 1 and at most 4 items | yes |  | Names \\| aliases in /\\<folder>. |
| \`pull\` | object ([Module.spec.pull](#modulespecpull)) |  |  | Pulls. |
| \`push\` | object ([Module.spec.pull](#modulespecpull)) |  |  | Pushes. |

- names must differ

### Module.spec.pull
`);
  expect(page).not.toContain('### Module.spec.push');
});

it('has a meaning for every field of our kinds, and a heading for every link', () => {
  const page = apiPage();
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(100);
  expect(rows.filter((line) => line.endsWith('|  |'))).toEqual([]);
  const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, title = '']) => title);
  expect(new Set(headings.map((title) => title.toLowerCase())).size).toBe(headings.length);
  const linked = [...page.matchAll(/\(\[([\w.]+)\]\(#/g)].map(([, title]) => title);
  expect(linked.filter((title) => !headings.includes(title ?? ''))).toEqual([]);
});

it('names every kind that we install', () => {
  const chapters = [...apiPage().matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  expect(chapters).toEqual(OWN.map(({ resource }) => resource.kind));
});
