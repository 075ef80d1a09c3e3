import { AppError } from '@kmm-fleet/runtime';
import * as z from 'zod';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const Entry = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const DockerConfig = z.looseObject({ auths: z.record(z.string(), Entry).default({}) });

/**
 * Credentials for a repository in the text of a `.dockerconfigjson`: the entry whose key is the longest prefix.
 *
 * @throws {AppError} REGISTRY_UNAUTHORIZED when the text or the entry cannot be used; credentials are never in the message
 */
export function credentialsFor(
  dockerConfig: string,
  registry: string,
  repository: string,
): Credentials | undefined {
  const auths = parseConfig(dockerConfig);
  const wanted = `${registry}/${repository}`;
  const [match] = Object.entries(auths)
    .map(([key, entry]) => ({ key: normalise(key), entry }))
    .filter(({ key }) => wanted === key || wanted.startsWith(`${key}/`))
    .sort((a, b) => b.key.length - a.key.length);
  return match && readEntry(match.entry, match.key);
}

/**
 * The same credentials as other tools read them: they know `auth` only, where Kubernetes also takes a username and a
 * password.
 *
 * @throws {AppError} REGISTRY_UNAUTHORIZED when the text cannot be used
 */
export function authFile(dockerConfig: string): string {
  const auths = Object.entries(parseConfig(dockerConfig)).map(([key, entry]) => {
    const { username, password } = entry;
    if (username === undefined || password === undefined) return [key, entry] as const;
    return [key, { auth: Buffer.from(`${username}:${password}`).toString('base64') }] as const;
  });
  return JSON.stringify({ auths: Object.fromEntries(auths) });
}

function parseConfig(text: string) {
  try {
    return DockerConfig.parse(JSON.parse(text)).auths;
  } catch {
    throw new AppError('REGISTRY_UNAUTHORIZED', 'The pull secret is no valid .dockerconfigjson.');
  }
}

function readEntry(entry: z.infer<typeof Entry>, registry: string): Credentials {
  if (entry.username !== undefined && entry.password !== undefined) {
    return { username: entry.username, password: entry.password };
  }
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon > 0) return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  const what = entry.identitytoken
    ? 'an identity token, which is not supported'
    : 'neither auth nor username and password';
  throw new AppError('REGISTRY_UNAUTHORIZED', `The pull secret's entry for ${registry} has ${what}.`);
}

/** `https://index.docker.io/v1/` and friends mean docker.io. */
function normalise(key: string): string {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  return bare.replace(/\/v[12]$/, '').replace(/^(index|registry-1)\.docker\.io/, 'docker.io');
}
