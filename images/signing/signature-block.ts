/** What the kernel looks for at the end of a module. */
const MAGIC = Buffer.from('~Module signature appended~\n');
/** struct module_signature of include/linux/module_signature.h: five bytes, three of padding, a length. */
const TRAILER_BYTES = 12;
const PKCS7 = 2;
/** sign-file writes some 400; with a chain of certificates some thousand. */
const SIGNATURE_BYTES_MAX = 64 * 1024;

/** A module file and what is appended to it. */
export type SplitModule =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'signed'; readonly content: Uint8Array; readonly pkcs7: Uint8Array };

/** Takes the last signature off a module, by the checks of the kernel's mod_check_sig. */
export function splitModule(file: Uint8Array): SplitModule {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const magicAt = buffer.length - MAGIC.length;
  if (magicAt < 0 || !buffer.subarray(magicAt).equals(MAGIC)) return { kind: 'unsigned' };
  const trailerAt = magicAt - TRAILER_BYTES;
  if (trailerAt < 0) return malformed('the file ends before its signature');
  if (buffer[trailerAt + 2] !== PKCS7) return malformed('the signature is no PKCS#7 message');
  const mustBeZero = [0, 1, 3, 4, 5, 6, 7].map((index) => buffer[trailerAt + index]);
  if (mustBeZero.some((byte) => byte !== 0)) return malformed('the signature has an odd header');
  const size = buffer.readUInt32BE(trailerAt + 8);
  if (size > trailerAt) return malformed('the signature is longer than the file');
  if (size > SIGNATURE_BYTES_MAX)
    return malformed(`the signature is longer than ${SIGNATURE_BYTES_MAX} bytes`);
  const signatureAt = trailerAt - size;
  return {
    kind: 'signed',
    content: buffer.subarray(0, signatureAt),
    pkcs7: buffer.subarray(signatureAt, trailerAt),
  };
}

/** Appends a signature, as sign-file does. */
export function joinModule(content: Uint8Array, pkcs7: Uint8Array): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer[2] = PKCS7;
  trailer.writeUInt32BE(pkcs7.byteLength, 8);
  return Buffer.concat([content, pkcs7, trailer, MAGIC]);
}

/** The module without its signatures; one without any is returned as it is. */
export function stripSignature(file: Uint8Array): Uint8Array {
  let content = file;
  for (let parts = splitModule(content); parts.kind === 'signed'; parts = splitModule(content)) {
    content = parts.content;
  }
  return content;
}

const malformed = (problem: string): SplitModule => ({ kind: 'malformed', problem });
