import { type KubeObject, withoutManagedFields } from '@kmm-fleet/runtime';
import { type Mask, REDACTED, redactText } from './redact-text.ts';
import { isSecretName } from './secret-name.ts';

/** It repeats the whole object as somebody has written it, and the object is there itself. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Values that are hashes or ids by their schema: only known values are masked in them. */
const IDENTITY = /(?:hash|digest|uid|id)$/i;
/** Names and words of Kubernetes; works of OCM have a hash in theirs. */
const WORD = /^(?:name|namespace|kind|type|reason)$/;

/** An object without its secrets; its shape, names and references stay. Pure; the same again changes nothing. */
export function redactObject(object: KubeObject, mask: Mask = (same) => same): KubeObject {
  const plain = object.kind === 'Secret' ? withoutData(object) : object;
  return walk(withoutManagedFields(plain), '', mask) as KubeObject;
}

/** Which keys a Secret has, and how long their values are, is what support asks for. */
function withoutData(secret: KubeObject): KubeObject {
  const sized = (field: 'data' | 'stringData') => {
    const data = secret[field] as Record<string, unknown> | undefined;
    if (!data) return {};
    const entries = Object.entries(data).map(([key, value]) => [key, sizeOf(String(value), field)]);
    return { [field]: Object.fromEntries(entries) as unknown };
  };
  return { ...secret, ...sized('data'), ...sized('stringData') };
}

function sizeOf(value: string, field: 'data' | 'stringData'): string {
  if (value.startsWith(REDACTED)) return value;
  const bytes = Buffer.byteLength(value, field === 'data' ? 'base64' : 'utf8');
  return `${REDACTED} (${bytes} bytes)`;
}

function walk(value: unknown, name: string, mask: Mask): unknown {
  if (typeof value === 'string') return redactString(value, name, mask);
  if (Array.isArray(value)) return redactList(value, name, mask);
  if (typeof value !== 'object' || value === null) return isSecretNumber(value, name) ? REDACTED : value;
  return redactMap(value as Record<string, unknown>, mask);
}

function redactMap(map: Record<string, unknown>, mask: Mask): Record<string, unknown> {
  const { name, key } = map;
  const entries = Object.entries(map).map(([field, inner]) => {
    if (field === LAST_APPLIED) return [field, REDACTED];
    if (field === 'binaryData') return [field, sizes(inner)];
    // `env`, `buildArgs` and headers: the name stands beside the value.
    const told = field === 'value' ? [name, key].find((one) => typeof one === 'string') : field;
    return [field, walk(inner, typeof told === 'string' ? told : '', mask)];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const sizes = (data: unknown) =>
  Object.fromEntries(
    Object.entries((data ?? {}) as Record<string, string>).map(([key, text]) => [key, sizeOf(text, 'data')]),
  );

function redactString(text: string, name: string, mask: Mask): string {
  if (text === '') return text;
  if (isSecretName(name)) return text.startsWith(REDACTED) ? text : REDACTED;
  const isIdentity = IDENTITY.test(name) && /^[a-z0-9+.:/@-]*$/i.test(text) && /[0-9a-f]{8}/.test(text);
  const isWord = WORD.test(name) && /^(?:[a-z0-9.-]+|[A-Za-z]+)$/.test(text);
  return isIdentity || isWord ? mask(text) : redactText(text, mask);
}

/** Arguments: the value may be an item of its own, after its flag. */
function redactList(list: readonly unknown[], name: string, mask: Mask): unknown[] {
  return list.map((item, index) => {
    const before = list[index - 1];
    const flag = typeof before === 'string' ? /^--?([\w.-]+)$/.exec(before)?.[1] : undefined;
    const isValue = flag !== undefined && isSecretName(flag) && !String(item).startsWith('-');
    return isValue && typeof item === 'string' ? REDACTED : walk(item, name, mask);
  });
}

const isSecretNumber = (value: unknown, name: string) => typeof value === 'number' && isSecretName(name);
