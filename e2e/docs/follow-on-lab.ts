import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LabPaths } from '@kmm-fleet/cli';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blocksOf, readPage } from './page.ts';

const PAGES = ['docs/guide.md', 'docs/faq.md'];
const BIN = join(import.meta.dirname, '../../bin');
/** Such a block is about an image that the reader has. `kmm image` is run with images of ours in its own tests. */
const OF_THE_READER = /^(?:bin\/)?kmm image /m;

/** Tests that run the commands of pages as they are printed, where somebody would type them who has a lab with a module. */
export function followOnLab(paths: LabPaths): void {
  let cwd: string;
  beforeAll(() => {
    cwd = mkdtempSync(join(tmpdir(), 'kmm-docs-'));
    symlinkSync(BIN, join(cwd, 'bin'));
    symlinkSync(paths.directory, join(cwd, '.lab'));
    copyFileSync(join(paths.manifests, '4-managed-cluster-module.yaml'), join(cwd, 'my-mcm.yaml'));
  });
  afterAll(() => rmSync(cwd, { recursive: true }));

  it.each(followed())('$page: $text', async ({ text }) => {
    const env = {
      ...process.env,
      PATH: `${BIN}:${process.env['PATH']}`,
      KUBECONFIG: paths.kubeconfig,
      REGISTRY: 'registry.example.com/kmm',
    };
    const { stdout } = await promisify(execFile)('bash', ['-eo', 'pipefail', '-c', text], { cwd, env });
    expect(stdout).not.toBe('');
  });
}

function followed() {
  const blocks = PAGES.flatMap((page) => blocksOf(readPage(page)).map((block) => ({ page, ...block })));
  return blocks.filter(({ language, text }) => language === 'sh' && !OF_THE_READER.test(text));
}
