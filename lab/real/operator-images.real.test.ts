import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeOperatorImages } from './operator-images.ts';
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
