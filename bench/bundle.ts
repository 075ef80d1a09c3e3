import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const MAINS = {
  hub: import.meta.resolve('@kmm-fleet/hub'),
  spoke: import.meta.resolve('@kmm-fleet/spoke'),
};
/** CommonJS packages in an ES module bundle ask for `require`. */
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** Bundles an operator into one file, as its image has it. */
export async function bundleOperator(room: keyof typeof MAINS, outfile: string): Promise<void> {
  await build({
    entryPoints: [join(dirname(fileURLToPath(MAINS[room])), 'main.ts')],
    outfile,
    bundle: true,
    external: ['esbuild'],
    platform: 'node',
    format: 'esm',
    minify: true,
    banner: { js: BANNER },
    logLevel: 'error',
  });
}
