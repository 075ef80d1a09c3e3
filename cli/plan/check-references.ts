import {
  checkBuildSecret,
  checkDockerfileConfigMap,
  checkPullSecret,
  checkSigningSecret,
  describeFinding,
  type Finding,
  type ModuleImageSpec,
} from '@kmm-fleet/api';
import { CORE, type KubeObject, type ResourceType } from '@kmm-fleet/runtime';
import type { Connected } from '../hub/connection.ts';

/** Something that a recipe refers to, by the name that its message shall have. */
interface Reference {
  /** What the recipe wants it for: one Secret may hold key and certificate. */
  readonly role: string;
  readonly type: ResourceType;
  readonly name: string;
  readonly check: (shown: string, data: Readonly<Record<string, string>> | undefined) => readonly Finding[];
}

/**
 * What is missing or wrong in the ConfigMaps and Secrets that images are made and fetched with, one sentence each. What may not be
 * read is left to the hub.
 */
export async function checkReferences(
  hub: Connected,
  namespace: string,
  specs: readonly ModuleImageSpec[],
): Promise<string[]> {
  const references = new Map(
    specs.flatMap(referencesOf).map((reference) => [`${reference.role} ${reference.name}`, reference]),
  );
  const findings = await Promise.all(
    [...references.values()].map(async ({ type, name, check }) => {
      const answer = await read(hub, type, { namespace, name });
      return answer === 'unreadable' ? [] : check(`${namespace}/${name}`, answer);
    }),
  );
  return [...new Set(findings.flat().map(describeFinding))].sort();
}

const refer = (role: string, type: ResourceType, name: string | undefined, check: Reference['check']) =>
  name ? [{ role, type, name, check }] : [];

function referencesOf({ imageRepoSecret, build, sign }: ModuleImageSpec): Reference[] {
  const secret = (name: string | undefined, key: 'key' | 'cert'): Reference[] =>
    refer(key, CORE.secret, name, (shown, data) => checkSigningSecret(shown, data, key));
  return [
    ...refer('login', CORE.secret, imageRepoSecret?.name, checkPullSecret),
    ...refer('dockerfile', CORE.configMap, build?.dockerfileConfigMap.name, checkDockerfileConfigMap),
    ...(build?.secrets ?? []).flatMap(({ name }) => refer('build', CORE.secret, name, checkBuildSecret)),
    ...secret(sign?.keySecret.name, 'key'),
    ...secret(sign?.certSecret.name, 'cert'),
  ];
}

async function read({ client }: Connected, type: ResourceType, name: { namespace: string; name: string }) {
  try {
    const object: KubeObject | undefined = await client.get(type, name);
    return object && ((object['data'] ?? {}) as Record<string, string>);
  } catch {
    return 'unreadable' as const;
  }
}
