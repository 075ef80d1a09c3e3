/** Room for the readable part of a name beside the hash, within a label value's 63 characters. */
const STEM_CHARS_MAX = 63 - 11;

/** Name of the ModuleImage of one reference and kernel: readable, valid in DNS, and different for different pairs. */
export function moduleImageName(image: string, kernel: string): string {
  const repository =
    image
      .replace(/[@:][^/]*$/, '')
      .split('/')
      .at(-1) ?? 'image';
  return hashedName(`${repository}-${kernel}`, `${image}\n${kernel}`);
}

/** `<stem>-<10 hex digits>`: a valid object name that is a function of `identity` alone. */
export function hashedName(stem: string, identity: string): string {
  const readable = stem
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, STEM_CHARS_MAX)
    .replaceAll(/^-+|-+$/g, '');
  return `${readable || 'x'}-${fnv64(identity).slice(0, 10)}`;
}

/** FNV-1a, 64 bits, as 16 hex digits: names only, no protection against somebody who looks for collisions. */
export function fnv64(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
