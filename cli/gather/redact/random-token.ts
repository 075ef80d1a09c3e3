/** A run of letters and digits, with what base64 and URLs put between. */
const TOKEN = /[A-Za-z0-9+/_=-]{16,}/g;
const SEPARATOR = /[+/_=-]+/;
/** Hashes say what they are: those of images and of sources are public. */
const DIGEST_BEFORE = /(?:sha(?:1|256|512)|digest|srcversion|commit|hash)\\?[:= "']{1,4}$/i;
const HEX_CHARS_MIN = 32;

/** Replaces what looks as if chance had written it. Names, kernels, paths, digests and UUIDs stay. */
export function maskRandomTokens(text: string, mask: string): string {
  return text.replace(TOKEN, (token, at: number) => {
    if (DIGEST_BEFORE.test(text.slice(Math.max(0, at - 14), at))) return token;
    return token.split(SEPARATOR).some(isRandom) || isRandomWithSeparators(token) ? mask : token;
  });
}

interface Shape {
  readonly lower: number;
  readonly upper: number;
  readonly digits: number;
  /** Share of neighbours that are of different classes: words change seldom, chance changes all the time. */
  readonly changes: number;
}

function shapeOf(text: string): Shape {
  const classes = Array.from(text, classOf);
  const count = (name: string) => classes.filter((one) => one === name).length;
  const changed = classes.filter((one, index) => index > 0 && one !== classes[index - 1]).length;
  return {
    lower: count('lower'),
    upper: count('upper'),
    digits: count('digit'),
    changes: changed / Math.max(1, classes.length - 1),
  };
}

function classOf(char: string): 'digit' | 'upper' | 'lower' | 'other' {
  if (char >= '0' && char <= '9') return 'digit';
  if (char >= 'A' && char <= 'Z') return 'upper';
  return char >= 'a' && char <= 'z' ? 'lower' : 'other';
}

/** The test holds the limits: random tokens of each alphabet on one side, names that people write on the other. */
function isRandom(piece: string): boolean {
  const { length } = piece;
  if (length < 16) return false;
  if (length >= HEX_CHARS_MIN && /^[0-9a-f]+$/i.test(piece)) return true;
  const { lower, upper, digits, changes } = shapeOf(piece);
  if (lower && upper && digits) return changes >= (length >= 20 ? 0.33 : 0.45);
  if (lower && upper) return length >= 20 && changes >= 0.4;
  if (lower) return length >= 20 && digits >= 3 && changes >= 0.15;
  return digits >= 2 && upper >= 2 && changes >= 0.2;
}

/** A token that its own separators have cut into short pieces. */
function isRandomWithSeparators(token: string): boolean {
  if (token.length < 32) return false;
  const { lower, upper, digits, changes } = shapeOf(token);
  return lower >= 2 && upper >= 2 && digits >= 2 && changes >= 0.4;
}
