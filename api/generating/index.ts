import { customResourceDefinition } from './custom-resource-definition.ts';
import { OWN } from './definitions.ts';

type CustomResourceDefinition = ReturnType<typeof customResourceDefinition>;

/** Our CustomResourceDefinitions by the plural of their kind, as `api/crds` holds them. */
export function ownDefinitions(...plurals: readonly string[]): CustomResourceDefinition[] {
  return OWN.filter(({ resource }) => plurals.includes(resource.plural)).map(customResourceDefinition);
}
