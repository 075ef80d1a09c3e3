import {
  checkDockerfileConfigMap,
  checkSigningSecret,
  describeFinding,
  type Finding,
  type ModuleImageSpec,
} from '@kmm-fleet/api';
import { CORE, type KubeObject, type ResourceType } from '@kmm-fleet/runtime';
import type { Connected } from '../hub/connection.ts';

/** Something that a recipe refers to, by the name that its message shall have. */
interface Reference {
  readonly type: ResourceType;
  readonly name: string;
  readonly check: (shown: string, data: Readonly<Record<string, string>> | undefined) => readonly Finding[];
}

/**
 * What is missing or wrong in the ConfigMaps and Secrets that images are made from, one sentence each. What may not be
 * read is left to the hub.
 */
export async function checkReferences(
  hub: Connected,
  namespace: string,
  specs: readonly ModuleImageSpec[],
): Promise<string[]> {
  const references = new Map(
    specs.flatMap(referencesOf).map((reference) => [`${reference.type.kind} ${reference.name}`, reference]),
  );
  const findings = await Promise.all(
    [...references.values()].map(async ({ type, name, check }) => {
      const answer = await read(hub, type, { namespace, name });
      return answer === 'unreadable' ? [] : check(`${namespace}/${name}`, answer);
    }),
  );
  return findings.flat().map(describeFinding).sort();
}

function referencesOf({ build, sign }: ModuleImageSpec): Reference[] {
  const secret = (name: string | undefined, key: 'key' | 'cert'): Reference[] =>
    name ? [{ type: CORE.secret, name, check: (shown, data) => checkSigningSecret(shown, data, key) }] : [];
  const dockerfile = build?.dockerfileConfigMap.name;
  return [
    ...(dockerfile ? [{ type: CORE.configMap, name: dockerfile, check: checkDockerfileConfigMap }] : []),
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
