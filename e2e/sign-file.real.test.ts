import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signModule, verifyModule } from '@kmm-fleet/images';
import { makeModule, testPair } from '@kmm-fleet/images/testing';
import { referenceFolder } from '@kmm-fleet/lab';
import { describe, expect, it } from 'vitest';

const HASHES = ['sha256', 'sha384', 'sha512'] as const;
const [signFile = ''] = globSync(
  join(referenceFolder('sign-file'), 'usr/lib/linux-kbuild-*/scripts/sign-file'),
);
const module = Buffer.from(makeModule({ name: 'kmm_a', kernel: '6.1.0' }));

function kernelSigned(pair: 'rsa' | 'ec', hash: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-sign-'));
  const [path, key, cert] = ['module.ko', 'key.pem', 'cert.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(path, module);
  writeFileSync(key, testPair(pair).keyPem);
  writeFileSync(cert, testPair(pair).certPem);
  execFileSync(signFile, [hash, key, cert, path]);
  return readFileSync(path);
}

describe.skipIf(!signFile)(
  `beside the kernel's sign-file${signFile ? '' : ' (skipped: no linux-kbuild package)'}`,
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
