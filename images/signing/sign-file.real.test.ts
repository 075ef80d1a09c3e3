import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeModule } from '../testing/make-module.ts';
import { testPair } from '../testing/test-keys.ts';
import { signModule, verifyModule } from './module-signature.ts';

const HASHES = ['sha256', 'sha384', 'sha512'] as const;
const [signFile = ''] = globSync('/usr/{lib,src}/linux-{kbuild,headers}-*/scripts/sign-file');
const module = Buffer.from(makeModule({ name: 'kmm_a', kernel: '6.1.0' }));
const file = (name: string) => new URL(`./testdata/${name}`, import.meta.url).pathname;

function kernelSigned(pair: 'rsa' | 'ec', hash: string): Buffer {
  const path = join(mkdtempSync(join(tmpdir(), 'kmm-sign-')), 'module.ko');
  writeFileSync(path, module);
  execFileSync(signFile, [hash, file(`${pair}.key`), file(`${pair}.crt`), path]);
  return readFileSync(path);
}

describe.skipIf(!signFile)(
  `beside the kernel's sign-file${signFile ? '' : ' (skipped: linux-kbuild is not installed)'}`,
  () => {
    it.each(HASHES)('writes the same bytes with RSA and %s', (hash) => {
      expect(signModule(module, testPair('rsa'), hash).equals(kernelSigned('rsa', hash))).toBe(true);
    });

    it.each(HASHES)('writes the same form with EC and %s, whose signatures are random', (hash) => {
      const theirs = kernelSigned('ec', hash);

      expect(verifyModule(theirs, [testPair('ec').certificate])).toBe('signed');
      const difference = Math.abs(signModule(module, testPair('ec'), hash).byteLength - theirs.byteLength);
      expect(difference).toBeLessThanOrEqual(4);
    });
  },
);
