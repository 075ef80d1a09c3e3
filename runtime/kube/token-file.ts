import { readFileSync } from 'node:fs';
import type { CredentialSource } from './exec-credential.ts';

/** Kubelets rotate tokens about each hour; a minute's delay is what Kubernetes' own clients have. */
const TOKEN_FILE_MS = 60_000;

/**
 * The token in a file, read again each minute, and at once after the server did not accept it: whoever takes a token away
 * puts another one there.
 */
export function tokenFile(path: string): CredentialSource {
  let token = '';
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    async get() {
      if (performance.now() - readAtMs > TOKEN_FILE_MS) {
        try {
          token = readFileSync(path, 'utf8').trim();
        } catch (error) {
          // The token at hand may still be good, and nothing better is known.
          if (!token) throw error;
        }
        readAtMs = performance.now();
      }
      return { token };
    },
    forget() {
      readAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}
