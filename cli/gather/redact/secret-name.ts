/** Words that make a field, a variable, a flag or a data key one of a secret. */
const SECRET_WORDS =
  /passw(?:or)?d|passphrase|passwd|pwd$|secret|token|credential|api[-_.]?key|(?:access|private|signing|encryption|client|account|shared|license|master|ssh|rsa|tls)[-_.]?key|dockerconfigjson|dockercfg|connection[-_.]?string|session[-_.]?id|cookie|(?:^|[-_.])(?:auth|jwt|pat|pass|psk|pin)$|^creds?$/i;

/** What only names a secret, or counts something about it. */
const NAMES_ONE =
  /(?:name|names|ref|refs|path|file|files|dir|seconds|mode|type|types|kind|namespace|count|policy|version|mount|url|uri|expiry|expiration|missing|invalid|mismatch|encrypted)$|^(?:imageRepoSecret|keySecret|certSecret|imagePullSecrets?|pullSecret|automountServiceAccountToken|serviceAccountToken)$/i;

/** Whether the value under this name is a secret, and not only its name. Pure. */
export function isSecretName(name: string): boolean {
  return SECRET_WORDS.test(name) && !NAMES_ONE.test(name);
}
