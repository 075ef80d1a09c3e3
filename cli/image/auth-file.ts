import { credentialsFor } from '@kmm-fleet/images';
import { isAppError } from '@kmm-fleet/runtime';
import type { Env } from '../output/terminal.ts';
import { UserError } from '../output/user-error.ts';

/** A repository as credentials are kept for it. */
export interface Repository {
  readonly registry: string;
  readonly repository: string;
}

/** Text of a file; undefined when it is not there. */
export type ReadText = (file: string) => Promise<string | undefined>;

/**
 * Files in which podman, buildah, skopeo and docker keep logins, in the order in which they are looked at
 * (containers-auth.json(5)). What the user names is the only one.
 */
export function authFiles(named: string | undefined, env: Env): string[] {
  const only = named ?? env['REGISTRY_AUTH_FILE'];
  if (only) return [only];
  const home = env['HOME'];
  const config = env['XDG_CONFIG_HOME'] ?? (home && `${home}/.config`);
  const docker = env['DOCKER_CONFIG'] ?? (home && `${home}/.docker`);
  return [
    ...(env['XDG_RUNTIME_DIR'] ? [`${env['XDG_RUNTIME_DIR']}/containers/auth.json`] : []),
    ...(config ? [`${config}/containers/auth.json`] : []),
    ...(docker ? [`${docker}/config.json`] : []),
  ];
}

/**
 * Text of the first file that holds a login for a repository; undefined for none, which is how public images are pulled.
 *
 * @throws {UserError} when a file that is named is not there, or one cannot be used
 */
export async function findLogin(
  repository: Repository,
  named: string | undefined,
  env: Env,
  read: ReadText,
): Promise<string | undefined> {
  for (const file of authFiles(named, env)) {
    const text = await read(file);
    if (text !== undefined && holdsLogin(text, repository, file)) return text;
    if (text === undefined && named !== undefined)
      throw new UserError(`--authfile: ${file} does not exist. Log in with: podman login --authfile ${file}`);
  }
  return undefined;
}

function holdsLogin(text: string, { registry, repository }: Repository, file: string): boolean {
  try {
    return credentialsFor(text, registry, repository) !== undefined;
  } catch (error) {
    if (!isAppError(error)) throw error;
    const message = error.message.replace(/^The pull secret('s)?/, (_all, its) => (its ? 'The' : 'The file'));
    throw new UserError(`${file}: ${message} Log in again with podman login or docker login.`);
  }
}
