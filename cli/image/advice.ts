import { asSentence, parseImageReference } from '@kmm-fleet/api';
import { AppError, type FailureCode, isAppError } from '@kmm-fleet/runtime';
import { UserError } from '../output/user-error.ts';

const OTHER_AUTHORITY = 'Name the folder with the certificate (*.crt) of its authority: --cert-dir FOLDER.';
const NO_TLS = 'It seems to speak no TLS: say --plain-http.';

/** What sockets say of a registry that is there and is not believed, or not understood. */
const OF_SOCKETS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: OTHER_AUTHORITY,
  CERT_HAS_EXPIRED: 'Have its certificate renewed, or do without it: --tls-verify=false.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'Call it by a name that is in its certificate, or do without it: --tls-verify=false.',
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  EPROTO: NO_TLS,
};

const OF_REGISTRIES: Partial<Record<FailureCode, string>> = {
  REGISTRY_UNREACHABLE: 'Check the address and the network.',
  REGISTRY_UNAUTHORIZED: 'Log in with podman login or docker login, or name a file with --authfile.',
  REGISTRY_INVALID: 'Check the address, and leave out --plain-http when the registry speaks TLS.',
  IMAGE_NOT_FOUND: 'Check its name and tag.',
};

const OF_FILES: Partial<Record<FailureCode, string>> = {
  IMAGE_NOT_FOUND: 'Check the path and the tag.',
  IMAGE_INVALID:
    'Name what buildah push or skopeo copy wrote as oci:FOLDER, oci-archive:FILE or docker-archive:FILE.',
};

/** Whether an image is named as one of this machine. */
const isFile = (text: string) => /^(oci|oci-archive|docker-archive):/.test(text);

/** The next step of a failure is another one at a terminal than on a hub. @param text the image as the user wrote it */
export async function advising<T>(text: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const next = isAppError(error) ? adviceOn(text, error.code, error) : undefined;
    if (next === undefined || !(error instanceof AppError)) throw error;
    const place = isFile(text) ? `${text}: ` : '';
    throw new UserError(`${place}${asSentence(error.message)} ${next}`);
  }
}

function adviceOn(text: string, code: FailureCode, { cause }: { readonly cause?: unknown }) {
  if (isFile(text)) return OF_FILES[code];
  const ofSocket = OF_SOCKETS[(cause as { code?: string } | undefined)?.code ?? ''];
  const next = ofSocket ?? OF_REGISTRIES[code];
  return next && [next, shortNameOf(text)].filter(Boolean).join(' ');
}

/** Podman may look for `nginx` in other registries; here it is that of Docker Hub. */
function shortNameOf(text: string): string | undefined {
  const parsed = parseImageReference(text);
  if (!parsed.ok || parsed.value.registry !== 'docker.io' || text.startsWith('docker.io/')) return undefined;
  return `${text} is read as docker.io/${parsed.value.repository}: write the registry before the name when it is another.`;
}

/** What looks like a path is no reference, and what it is must be said. */
export function pathHint(text: string): string | undefined {
  if (!/^(\/|\.{1,2}(\/|$)|~)/.test(text)) return undefined;
  return `For a path write oci:${text} (a folder), oci-archive:${text} or docker-archive:${text} (a file).`;
}
