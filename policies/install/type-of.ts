import { RESOURCES } from '@kmm-fleet/api';
import { apiVersionOf, CORE, type KubeObject, type ResourceType } from '@kmm-fleet/runtime';

const TYPES: readonly ResourceType[] = [...Object.values(CORE), ...Object.values(RESOURCES)];

/**
 * Where the kind of an object lives in the API, for kinds that we install.
 *
 * @throws {RangeError} for any other: nobody can guess a plural
 */
export function typeOf({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): ResourceType {
  const type = TYPES.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  if (!type) throw new RangeError(`kind ${kind} of ${apiVersion} is in no table of resources`);
  return type;
}
