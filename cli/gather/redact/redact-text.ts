import { maskRandomTokens } from './random-token.ts';
import { isSecretName } from './secret-name.ts';

export const REDACTED = '<redacted>';

/** Replaces values that are known to be secret, whatever they look like. */
export type Mask = (text: string) => string;

const VALUE = String.raw`"(?:[^"\\]|\\.)*"|'[^']*'|\\"(?:[^"\\]|\\[^"])*\\"|[^\s,;&"'}\]]+`;
const NAME = String.raw`[\w.-]{2,64}`;

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?(?:-----END \1-----|$)/g;
const PEM_IN_BASE64 = /LS0tLS1CRUdJTi[A-Za-z0-9+/=]*/g;
const USERINFO = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"'<>]+@/gi;
const AUTHORIZATION = /\b((?:proxy-)?authorization\\?["']?\s*[:=]\s*\\?["']?)[^"'\r\n]+/gi;
const SCHEME = /\b(bearer|basic|token)\s+(?=[^\s"']*[\d=+/_A-Z])[\w.~+/=-]{8,}/gi;
const JSON_IN_BASE64 = /\beyJ[\w+/=-]{8,}(?:\.[\w+/=-]*){0,4}/g;
/** Tokens that say whose they are: GitHub, GitLab, Slack, OpenShift, AWS, Google, npm, Docker, Stripe. */
const KNOWN_FORMATS =
  /\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sha256~|AKIA|ASIA|AIza|npm_|dckr_pat_|sk_live_|sk-|hvs\.)[\w-]{8,}/g;
/** `name: value`, `"name":"value"`, `--name=value`, `name => value`. */
const PAIR = new RegExp(String.raw`(\\?["']?)(${NAME})\1([ \t]*(?::|=>?)[ \t]*)(${VALUE})`, 'g');
/** A block of YAML: what is indented below its name. */
const BLOCK = new RegExp(
  String.raw`^([ \t]*)(${NAME})(:[ \t]*(?:[|>][-+\d]*)?[ \t]*)((?:\n\1[ \t]+[^\s].*)+)`,
  'gm',
);
const FLAG = new RegExp(String.raw`((?:^|\s)--?)(${NAME})(\s+)(?!-)(${VALUE})`, 'g');
/** `curl -u user:password`, `buildah login -p password`. */
const CREDENTIALS_FLAG = /(\s(?:-u|--user|--creds)[ =]?)[^\s:]+:\S+/g;
const LOGIN = /(\blogin\b.{0,300}?\s-p[ =]?)\S+/g;

/** Hides every secret of a text by rule, by known value, and by chance's looks. Pure; the same again changes nothing. */
export function redactText(text: string, mask: Mask = (same) => same): string {
  const ruled = mask(text)
    .replace(PEM, REDACTED)
    .replace(PEM_IN_BASE64, REDACTED)
    .replace(USERINFO, `$1${REDACTED}@`)
    .replace(AUTHORIZATION, `$1${REDACTED}`)
    .replace(SCHEME, `$1 ${REDACTED}`)
    .replace(JSON_IN_BASE64, REDACTED)
    .replace(KNOWN_FORMATS, REDACTED)
    .replace(CREDENTIALS_FLAG, `$1${REDACTED}`)
    .replace(LOGIN, `$1${REDACTED}`)
    .replace(BLOCK, (all, indent: string, name: string, between: string) =>
      isSecretName(name) ? `${indent}${name}${between.trimEnd()} ${REDACTED}` : all,
    )
    .replace(FLAG, (all, dashes: string, name: string, blank: string, value: string) =>
      isSecretName(name) ? `${dashes}${name}${blank}${like(value)}` : all,
    );
  return maskRandomTokens(redactPairs(ruled), REDACTED);
}

/** Deeper nests are not written by people; what is below is hidden as a whole when it speaks of a secret. */
const DEPTH_MAX = 6;

/** A value may hold pairs of its own, as `--env=TOKEN=…` and JSON in JSON do; each is shorter than what it stands in. */
function redactPairs(text: string, depth = 0): string {
  if (depth > DEPTH_MAX) return isSecretName(text.replaceAll(/[^\w.-]+/g, ' ')) ? REDACTED : text;
  return text.replace(PAIR, (all, quote: string, name: string, between: string, value: string) => {
    // `GET /api/v1/secrets: 403` names a status.
    if (/^\d{1,3}$/.test(value)) return all;
    if (isSecretName(name)) return `${quote}${name}${quote}${between}${like(value)}`;
    if (!/[:=]/.test(value)) return all;
    return `${all.slice(0, all.length - value.length)}${redactPairs(value, depth + 1)}`;
  });
}

/** Quotes stay, so that JSON stays JSON. */
function like(value: string): string {
  const quote = /^\\?["']/.exec(value)?.[0] ?? '';
  return `${quote}${REDACTED}${quote}`;
}

export interface LineRedactor {
  /** The line without its secrets; undefined inside of a key that began on an earlier line. */
  line(text: string): string | undefined;
}

/** More lines than any key has; a BEGIN without an END must not hide the rest of a log. */
const PEM_LINES_MAX = 200;

/** As {@link redactText} for a stream of lines: keys in PEM go over many of them. */
export function createLineRedactor(mask?: Mask): LineRedactor {
  let hidden = 0;
  return {
    line(text) {
      const isEnd = /-----END [A-Z0-9 ]+-----/.test(text);
      if (hidden > 0) {
        hidden = isEnd ? 0 : (hidden + 1) % PEM_LINES_MAX;
        return isEnd ? redactText(text.replace(/^.*?-----END [A-Z0-9 ]+-----/, ''), mask) : undefined;
      }
      if (/-----BEGIN [A-Z0-9 ]+-----(?!.*-----END )/.test(text)) hidden = 1;
      return redactText(text, mask);
    },
  };
}
