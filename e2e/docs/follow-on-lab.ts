import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LabPaths } from '@kmm-fleet/cli';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, readPage } from './page.ts';

const PAGES = ['docs/guide.md', 'docs/faq.md'];
const FIRST_MODULE = 'docs/first-module.md';
const BIN = join(import.meta.dirname, '../../bin');
/** Such a block is about an image that the reader has. `kmm image` is run with images of ours in its own tests. */
const OF_THE_READER = /^(?:bin\/)?kmm image /m;

/** Tests that run the commands of pages as they are printed, where somebody would type them who has a lab with a module. */
export function followOnLab(paths: LabPaths): void {
  let cwd: string;
  beforeAll(() => {
    cwd = mkdtempSync(join(tmpdir(), 'kmm-docs-'));
    symlinkSync(BIN, join(cwd, 'bin'));
    symlinkSync(join(BIN, '../docs'), join(cwd, 'docs'));
    symlinkSync(paths.directory, join(cwd, '.lab'));
    copyFileSync(join(paths.manifests, '4-managed-cluster-module.yaml'), join(cwd, 'my-mcm.yaml'));
  });
  afterAll(() => rmSync(cwd, { recursive: true }));

  const run = async (text: string, more: Readonly<Record<string, string>>) => {
    const path = `${BIN}:${process.env['PATH']}`;
    const env = { ...process.env, PATH: path, KUBECONFIG: paths.kubeconfig, ...more };
    return (await promisify(execFile)('bash', ['-eo', 'pipefail', '-c', text], { cwd, env })).stdout;
  };

  it.each(followed(PAGES))('$page: $text', async ({ text }) => {
    expect(await run(text, { REGISTRY: 'registry.example.com/kmm' })).not.toBe('');
  });

  describe('a first module', () => {
    it('has the login of the registry, as the page wants it', async () => {
      const login = readFileSync(join(paths.manifests, '2-repo-pull-secret.yaml'), 'utf8');
      const renamed = login.replace('repo-pull-secret', 'registry-login');
      for (const [context, namespace] of [
        ['hub', 'openshift-kmm-hub'],
        ['east', 'openshift-kmm'],
      ])
        await run(`kubectl --context ${context} apply -f - <<< "$SECRET"`, {
          SECRET: renamed.replace('openshift-kmm-hub', `${namespace}`),
        });
    });

    it.each(followed([FIRST_MODULE]))('$page: $name', async ({ name, text }) => {
      const mcm = readFileSync(join(paths.manifests, '4-managed-cluster-module.yaml'), 'utf8');
      const [, registry = ''] = /containerImage: (.+)\/my-kmod:/.exec(mcm) ?? [];
      const [, runtime = ''] = /RUNTIME_IMAGE\s+value: (\S+)/.exec(mcm) ?? [];
      const told = await run(text, { REGISTRY: registry, RUNTIME: runtime });
      if (name === 'wait') expect(told).toContain('condition met');
    });
  });
}

/** What readers are to type, page by page. */
function followed(pages: readonly string[]) {
  const blocks = pages.flatMap((page) => blocksOf(readPage(page)).map((block) => ({ page, ...block })));
  return blocks.filter(({ language, text }) => language === 'sh' && !OF_THE_READER.test(text));
}
