import { readdirSync, readFileSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import { expect, it } from 'vitest';

const rooms = ['api', 'runtime', 'images', 'hub', 'spoke', 'policies', 'lab', 'cli', 'e2e', 'bench'];
const sources = rooms.flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .map((path) => `${room}/${path}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules')),
);
const isTest = (path: string) => /\.(test|contract)\.ts$|\/testing\//.test(path);
const isPure = (path: string) =>
  /^api\/(?!generat)|\/(plan|diff)-[^/]+\.ts$|[^/]+-status\.ts$/.test(path) && !isTest(path);

it('keeps every import pointing the right way', { timeout: 60_000 }, async () => {
  const { options, ...ruleSet } = await extractConfig('./.dependency-cruiser.mjs');
  const { output } = await cruise(rooms, { ...options, ruleSet, validate: true });
  const { summary } = typeof output === 'string' ? JSON.parse(output) : output;

  expect(summary.totalCruised).toBeGreaterThan(100); // a check that saw no file proves nothing
  const violations = summary.violations.map(
    ({ rule, from, to }: { rule: { name: string }; from: string; to: string }) =>
      `${rule.name}: ${from} → ${to}`,
  );
  expect(violations).toEqual([]);
});

it('keeps clock, chance and environment out of pure files', () => {
  const hidden = /\b(Date\.now|new Date\(\)|Math\.random|process\.|setTimeout|setInterval|fetch\(|await )/;
  const checked = sources.filter(isPure);

  expect(checked.length).toBeGreaterThan(20);
  expect(checked.filter((path) => hidden.test(readFileSync(path, 'utf8')))).toEqual([]);
});

it('keeps hidden time and chance out of what runs in a simulation', () => {
  const hidden = /\b(Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(|randomUUID\()/;
  const edge =
    /(main|daemon|demo)\.ts$|^(cli|e2e|bench|scripts|lab\/real)\/|^runtime\/(clock|random|process)\.ts$|transport\.ts$/;
  const checked = sources.filter((path) => !isTest(path) && !edge.test(path));
  const code = (path: string) => readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

  expect(checked.length).toBeGreaterThan(80);
  expect(checked.filter((path) => hidden.test(code(path)))).toEqual([]);
});
