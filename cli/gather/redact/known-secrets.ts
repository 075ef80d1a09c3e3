import type { KubeObject } from '@kmm-fleet/runtime';
import { type Mask, REDACTED } from './redact-text.ts';

/** Shorter values are words that stand everywhere. */
const CHARS_MIN = 8;
/** Values remembered; a namespace of an operator holds a handful of Secrets. */
const VALUES_MAX = 20_000;
/** Data keys of Secrets whose values are no secrets, and whose masking would blind the reader. */
const PUBLIC_KEYS = /^(?:namespace|username|user|server|url|host|name|type|.*\.crt|cert|ca|ca-bundle)$/i;

export interface KnownSecrets {
  /** Remembers what a Secret holds, as it is and as it is written in base64 and in URLs. */
  add(secret: KubeObject): void;
  readonly mask: Mask;
}

/** Values of Secrets that were seen: wherever they turn up, they are masked, whatever they look like. */
export function createKnownSecrets(): KnownSecrets {
  /** By their first characters, the longest first: one value may be a part of another. */
  const byStart = new Map<string, string[]>();
  let count = 0;

  const remember = (value: string) => {
    if (value.length < CHARS_MIN || count >= VALUES_MAX) return;
    const start = value.slice(0, CHARS_MIN);
    const list = byStart.get(start) ?? [];
    if (list.includes(value)) return;
    list.push(value);
    byStart.set(
      start,
      list.sort((a, b) => b.length - a.length),
    );
    count += 1;
  };

  return {
    add(secret) {
      for (const value of valuesOf(secret)) for (const form of formsOf(value)) remember(form);
    },
    mask(text) {
      if (byStart.size === 0 || text.length < CHARS_MIN) return text;
      let masked = '';
      let from = 0;
      for (let at = 0; at + CHARS_MIN <= text.length; at++) {
        const found = byStart
          .get(text.slice(at, at + CHARS_MIN))
          ?.find((value) => text.startsWith(value, at));
        if (found === undefined) continue;
        masked += `${text.slice(from, at)}${REDACTED}`;
        from = at + found.length;
        at = from - 1;
      }
      return from === 0 ? text : masked + text.slice(from);
    },
  };
}

function valuesOf(secret: KubeObject): string[] {
  const data = Object.entries((secret['data'] ?? {}) as Record<string, string>);
  return data
    .filter(([key]) => !PUBLIC_KEYS.test(key))
    .flatMap(([, encoded]) => {
      const text = Buffer.from(encoded, 'base64').toString('utf8');
      return [encoded, text.trim(), ...linesOf(text), ...credentialsOf(text)];
    });
}

/** Lines of keys are masked one by one; their first and last are the same in all. */
const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('-----'));

/** Credentials in the JSON of a Docker config. */
function credentialsOf(text: string): string[] {
  const values = [...text.matchAll(/"(?:auth|password|identitytoken|registrytoken)"\s*:\s*"([^"]+)"/gi)];
  return values.flatMap(([, value = '']) => [value, passwordOf(value)]);
}

/** `auth` is user and password in base64. */
const passwordOf = (auth: string) => Buffer.from(auth, 'base64').toString('utf8').split(':')[1] ?? '';

function formsOf(value: string): string[] {
  return [...new Set([value, Buffer.from(value).toString('base64'), encodeURIComponent(value)])];
}
