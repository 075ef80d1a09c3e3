import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SigningPair } from '../signing/module-signature.ts';

const file = (name: string) => readFileSync(new URL(`../signing/testdata/${name}`, import.meta.url));

/** Key pairs made for tests only; `stranger` is a signer whom no node trusts. */
export function testPair(
  name: 'rsa' | 'ec' | 'stranger',
): SigningPair & { readonly keyPem: Buffer; readonly certPem: Buffer } {
  const keyPem = file(`${name}.key`);
  const certPem = file(`${name}.crt`);
  return { key: createPrivateKey(keyPem), certificate: new X509Certificate(certPem), keyPem, certPem };
}
