import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { EDITIONS, editions } from './editions.ts';
import { helmChart } from './helm-chart.ts';
import { fillHoles, hole, VALUES_SCHEMA } from './helm-values.ts';

const IMAGES = { operator: 'r.example.com/kmm:1', mustGather: 'r.example.com/gather:1', pullSecret: 'login' };

it('says all values that the schema knows, but for what Helm adds', () => {
  const { 'values.yaml': text = '' } = helmChart(editions.hub, IMAGES, '1.2.3');
  const { global: _, ...properties } = VALUES_SCHEMA.properties;

  expect(Object.keys(parse(text))).toEqual(Object.keys(properties));
  expect(parse(text)).toMatchObject({
    image: IMAGES.operator,
    mustGatherImage: IMAGES.mustGather,
    pullSecret: 'login',
  });
});

it.each(EDITIONS)('of %s leaves no hole and no namespace of its own in a template', (name) => {
  const files = helmChart(editions[name], IMAGES, '1.2.3');
  const templates = Object.keys(files).filter(
    (path) => path.endsWith('.yaml') && path.startsWith('templates/'),
  );

  expect(templates.length).toBe(2);
  for (const path of templates) {
    expect(files[path]).not.toContain('HOLE');
    expect(files[path]).not.toMatch(new RegExp(`namespace: ${editions[name].namespace}$`, 'm'));
  }
});

it('lets braces of the text be braces', () => {
  expect(fillHoles('description: as {{ this }}\n')).toBe('description: as {{ "{{" }} this }}\n');
});

it('fills a hole in the line, or takes the whole line', () => {
  expect(fillHoles(`  image: ${hole('image')}\n`)).toBe('  image: {{ .Values.image | quote }}\n');
  expect(fillHoles(`  tolerations: ${hole('tolerations')}\n`)).toBe(
    [
      '  {{- with .Values.tolerations }}',
      '  tolerations:',
      '    {{- toYaml . | nindent 4 }}',
      '  {{- end }}',
      '',
    ].join('\n'),
  );
});
