import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingPrograms, referenceFolder } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeModule } from '../testing/make-module.ts';
import { type SigningPair, signModule } from './module-signature.ts';
import { splitModule } from './signature-block.ts';
import { judgeModule } from './verify-module.ts';

const [signFile = ''] = globSync(
  join(referenceFolder('sign-file'), 'usr/lib/linux-kbuild-*/scripts/sign-file'),
);
const missing = [...(signFile ? [] : ['the linux-kbuild package']), ...missingPrograms(['openssl'])];
const KEYS = {
  'RSA 2048': ['rsa:2048'],
  'RSA 4096': ['rsa:4096'],
  'P-256': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
} as const;
const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
const module = makeModule({ name: 'kmm_a', kernel: '6.1.0' });
/** The certificates of this run are valid from now on, for 30 days. */
const NOW = new Date(Date.now() + 86_400_000);

describe.skipIf(missing.length > 0)(
  `the kernel's sign-file and openssl${missing.length > 0 ? ` (skipped: needs ${missing.join(', ')})` : ''}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'kmm-sign-file-'));
    const at = (name: string) => join(folder, name);
    const pairs = new Map<string, SigningPair>();
    const names = Object.keys(KEYS) as (keyof typeof KEYS)[];
    const pairOf = (name: string) => pairs.get(name) ?? expect.unreachable(`no pair ${name}`);

    beforeAll(() => {
      for (const name of names) {
        const [key, cert] = [at(`${name}.key`), at(`${name}.crt`)];
        const request = ['req', '-x509', '-nodes', '-batch', '-days', '30', '-subj', `/O=Test/CN=${name}`];
        execFileSync('openssl', [...request, '-newkey', ...KEYS[name], '-keyout', key, '-out', cert], {
          stdio: 'ignore',
        });
        const certificate = new X509Certificate(readFileSync(cert));
        pairs.set(name, { key: createPrivateKey(readFileSync(key)), certificate });
      }
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const signedByKernelTool = (name: string, hash: string, ...flags: string[]) => {
      writeFileSync(at('a.ko'), module);
      execFileSync(signFile, [...flags, hash, at(`${name}.key`), at(`${name}.crt`), at('a.ko')]);
      return readFileSync(at('a.ko'));
    };

    describe.each(names)('with %s', (name) => {
      it.each(HASHES)('what sign-file signs with %s is good, and is not for another key', (hash) => {
        const signed = signedByKernelTool(name, hash);
        const { certificate } = pairOf(name);
        const others = names.filter((other) => other !== name).map((other) => pairOf(other).certificate);

        expect(judgeModule(signed, [...others, certificate], NOW)).toMatchObject({
          verdict: 'ok',
          hash,
          signer: name,
          keyId: certificate.serialNumber.toLowerCase(),
        });
        expect(judgeModule(signed, others, NOW).verdict).toBe('other-key');
        signed[100] = (signed[100] ?? 0) ^ 1;
        expect(judgeModule(signed, [certificate], NOW).verdict).toBe('tampered');
      });

      it('what sign-file -k signs is found by the key identifier', () => {
        const signed = signedByKernelTool(name, 'sha256', '-k');
        const { certificate } = pairOf(name);

        expect(judgeModule(signed, [certificate], NOW)).toMatchObject({ verdict: 'ok', signer: '' });
        const [other = ''] = names.filter((its) => its !== name);
        expect(judgeModule(signed, [pairOf(other).certificate], NOW).verdict).toBe('other-key');
      });

      it.each(['sha256', 'sha512'] as const)('what we sign with %s openssl verifies', (hash) => {
        const parts = splitModule(signModule(module, pairOf(name), hash));
        if (parts.kind !== 'signed') return expect.unreachable('not signed');
        writeFileSync(at('body'), parts.content);
        writeFileSync(at('p7'), parts.pkcs7);
        const args = ['cms', '-verify', '-binary', '-inform', 'DER', '-in', at('p7'), '-content', at('body')];
        const trust = ['-certfile', at(`${name}.crt`), '-nointern', '-noverify', '-out', '/dev/null'];

        expect(() => execFileSync('openssl', [...args, ...trust], { stdio: 'pipe' })).not.toThrow();
      });
    });
  },
);
