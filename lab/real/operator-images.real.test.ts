import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundlePrograms, makeOperatorImages } from './operator-images.ts';
import { isRoot, missingPrograms } from './requirements.ts';

const checkout = join(import.meta.dirname, '../..');
const missing = [...(isRoot() ? [] : ['root']), ...missingPrograms(['buildah', 'mmdebstrap'])];

/** The digest that a registry has of the image of a spoke, of which every layer is made again. */
async function digestFromNothing(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-images-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const images = await makeOperatorImages(checkout, ['kmm-spoke'], () => {}, folder);
  await images.push('kmm-spoke', `oci:${join(folder, 'layout')}`);
  const index = JSON.parse(readFileSync(join(folder, 'layout', 'index.json'), 'utf8'));
  return index.manifests[0].digest;
}

const skipped = missing.length > 0 ? ` (skipped: needs ${missing.join(', ')})` : '';

describe.skipIf(missing.length > 0)(`images of operators${skipped}`, () => {
  it('have the same digest when the sources are the same', async () => {
    const first = await digestFromNothing();

    expect(first).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await digestFromNothing()).toBe(first);
  });
});

it('the bundled kmm reads a kubeconfig in YAML, for which it loads the parser', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-bundle-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await bundlePrograms(checkout, folder);
  const kubeconfig = join(folder, 'config');
  const lines = [
    'current-context: c',
    'contexts: [{ name: c, context: { cluster: c } }]',
    'clusters: [{ name: c, cluster: { server: "https://127.0.0.1:1" } }]',
  ];
  writeFileSync(kubeconfig, lines.join('\n'));

  const { stderr } = spawnSync(process.execPath, [
    join(folder, 'kmm.js'),
    'status',
    '--kubeconfig',
    kubeconfig,
  ]);

  expect(String(stderr)).toMatch(/127\.0\.0\.1:1\b.*ECONNREFUSED/);
});
