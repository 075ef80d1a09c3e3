/** Hashes that sign-file can use and kernels know, by their name in OpenSSL. */
export type HashName =
  | 'sha1'
  | 'sha224'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'sha3-256'
  | 'sha3-384'
  | 'sha3-512';

interface HashIds {
  readonly digest: string;
  /** ECDSA is named together with its hash. */
  readonly ecdsa: string;
}

/** Object identifiers: RFC 3279, RFC 5758, and NIST's register of algorithms for SHA-3. */
export const HASHES: Readonly<Record<HashName, HashIds>> = {
  sha1: { digest: '1.3.14.3.2.26', ecdsa: '1.2.840.10045.4.1' },
  sha224: { digest: '2.16.840.1.101.3.4.2.4', ecdsa: '1.2.840.10045.4.3.1' },
  sha256: { digest: '2.16.840.1.101.3.4.2.1', ecdsa: '1.2.840.10045.4.3.2' },
  sha384: { digest: '2.16.840.1.101.3.4.2.2', ecdsa: '1.2.840.10045.4.3.3' },
  sha512: { digest: '2.16.840.1.101.3.4.2.3', ecdsa: '1.2.840.10045.4.3.4' },
  'sha3-256': { digest: '2.16.840.1.101.3.4.2.8', ecdsa: '2.16.840.1.101.3.4.3.10' },
  'sha3-384': { digest: '2.16.840.1.101.3.4.2.9', ecdsa: '2.16.840.1.101.3.4.3.11' },
  'sha3-512': { digest: '2.16.840.1.101.3.4.2.10', ecdsa: '2.16.840.1.101.3.4.3.12' },
};

export const HASH_NAMES = Object.keys(HASHES) as HashName[];
