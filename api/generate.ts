/**
 * Writes the CustomResourceDefinitions: `node api/generate.ts`, or `make generate`.
 * With `--check` nothing is written; files that differ are named, and the exit code is 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedFiles } from './generating/generated-files.ts';

const root = join(import.meta.dirname, '..');
const files = generatedFiles();
const differing = [...files].filter(([path, text]) => read(path) !== text);

if (process.argv.includes('--check')) {
  for (const [path] of differing) process.stderr.write(`${path} is out of date: run make generate\n`);
  process.exitCode = differing.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of differing) write(path, text);
}
process.stdout.write(`${files.size} generated files, ${differing.length} differed\n`);

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
