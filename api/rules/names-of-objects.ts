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
  // Of a product of 64 bits by 2^40 + 0x1b3, in halves that numbers hold exactly.
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of new TextEncoder().encode(text)) {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * 0x1b3;
    high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + mixed * 2 ** 8) >>> 0;
    low = product >>> 0;
  }
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
}
