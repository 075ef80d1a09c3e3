import { bad, type Checked, type Finding, found, good } from '../finding.ts';
import { DATA_KEYS } from '../names.ts';

/** Data of a ConfigMap or Secret; undefined when the object does not exist. */
type Data = Readonly<Record<string, string>> | undefined;

/** Reads one data key of an object that a module refers to; says what is wrong and what to do otherwise. */
export function readDataKey(
  kind: 'ConfigMap' | 'Secret',
  name: string,
  data: Data,
  key: string,
): Checked<string> {
  if (!data) {
    const next = `Create it with data key "${key}".`;
    return bad(found(`${kind}Missing`, '', `${kind} ${name} does not exist.`, next));
  }
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  if (value) return good(value);
  const near =
    Object.keys(data).find((candidate) => candidate.toLowerCase() === key) ?? Object.keys(data).sort()[0];
  const message = `${kind} ${name} has no data key "${key}"${near ? ` (it has "${near}")` : ''}.`;
  return bad(
    found(
      `${kind}KeyMissing`,
      `data.${key}`,
      message,
      near ? `Rename "${near}" to "${key}".` : `Add "${key}".`,
    ),
  );
}

/** The Dockerfile of a ConfigMap. */
export const readDockerfile = (name: string, data: Data) =>
  readDataKey('ConfigMap', name, data, DATA_KEYS.dockerfile);

/** What is wrong with a Dockerfile ConfigMap; nothing when the Dockerfile is there. */
export const checkDockerfileConfigMap = (name: string, data: Data): readonly Finding[] =>
  findingsOf(readDockerfile(name, data));

/** What is wrong with a signing Secret; which one it is says whether it must hold the `key` or the `cert`. */
export const checkSigningSecret = (name: string, data: Data, key: 'key' | 'cert'): readonly Finding[] =>
  findingsOf(readDataKey('Secret', name, data, DATA_KEYS[key]));

/** What is wrong with the Secret of `imageRepoSecret`. */
export const checkPullSecret = (name: string, data: Data): readonly Finding[] =>
  findingsOf(readDataKey('Secret', name, data, DATA_KEYS.login));

/** What is wrong with a Secret that is mounted into a build, whatever its files are called. */
export const checkBuildSecret = (name: string, data: Data): readonly Finding[] =>
  data ? [] : findingsOf(readDataKey('Secret', name, data, '<file>'));

const findingsOf = (checked: Checked<unknown>) => (checked.ok ? [] : checked.findings);
