import { zstdCompressSync } from 'node:zlib';
import { type SigningPair, signModule } from '@kmm-fleet/images';
import type { Treatment } from './scenario.ts';

/** Key pairs of a scenario: the node with Secure Boot trusts only the first. */
export interface Signers {
  readonly trusted: SigningPair;
  readonly foreign: SigningPair;
}

/**
 * A module as it comes into an image.
 *
 * @param plain    as it was built for the node's kernel
 * @param makeOld  makes of it one that was built for another version of Linux
 */
export function treatModule(
  plain: Uint8Array,
  treatment: Treatment,
  { trusted, foreign }: Signers,
  makeOld: (plain: Uint8Array) => Uint8Array,
): Uint8Array {
  const sign = (file: Uint8Array, by = trusted) => signModule(file, by, 'sha256');
  switch (treatment) {
    case 'unsigned':
      return plain;
    case 'signed':
      return sign(plain);
    case 'packed':
      return zstdCompressSync(sign(plain));
    case 'foreign signature':
      return sign(plain, foreign);
    case 'tampered':
      return tamper(sign(plain));
    case 'other version':
      return sign(makeOld(plain));
    case 'other settings':
      return sign(replaceText(plain, ' mod_unload ', ' mod_versed '));
    case 'not a module':
      return Buffer.from('#!/bin/sh\n');
  }
}

/** In words for people: nothing that keeps the file from being read as before. */
const tamper = (file: Uint8Array) => replaceText(file, 'description=', 'description:');

/** Equal in length, so that nothing else of the file moves. */
function replaceText(file: Uint8Array, from: string, to: string): Uint8Array {
  const bytes = Buffer.from(file);
  const at = bytes.indexOf(from);
  if (at < 0 || from.length !== to.length) throw new RangeError(`no module: it does not hold "${from}"`);
  bytes.write(to, at, 'latin1');
  return bytes;
}
