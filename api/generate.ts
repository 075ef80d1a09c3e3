/**
 * Writes the CustomResourceDefinitions and the pages of the API and of reasons: `node api/generate.ts`, or `make generate`.
 * With `--check` nothing is written; files that differ are named, and the exit code is 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { driftedFiles, generatedFiles } from './generating/generated-files.ts';

const root = join(import.meta.dirname, '..');
const files = generatedFiles();
const drifted = driftedFiles(read);

if (process.argv.includes('--check')) {
  for (const path of drifted) process.stderr.write(`${path} is out of date: run make generate\n`);
  process.exitCode = drifted.length > 0 ? 1 : 0;
} else {
  for (const path of drifted) write(path, files.get(path) ?? '');
}
process.stdout.write(`${files.size} generated files, ${drifted.length} differed\n`);

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
