import { CORE } from '@kmm-fleet/runtime';
import { may } from '../rbac/access.ts';
import type { Edition } from './editions.ts';

/** What a site may add to an edition. */
export interface EditionOptions {
  /** Namespaces with Modules are kept. For operators of nodes: a hub has no Modules. */
  readonly guardsNamespaces?: boolean;
}

/** The edition with what a site adds: settings, rights and objects follow from it. */
export function withOptions(edition: Edition, { guardsNamespaces = false }: EditionOptions): Edition {
  return guardsNamespaces ? guarded(edition) : edition;
}

function guarded(edition: Edition): Edition {
  const [own, ...others] = edition.accesses;
  if (!own) throw new RangeError(`the edition ${edition.name} has no account`);
  const cluster = [...own.cluster, may(['list', 'watch', 'patch'], CORE.namespace)];
  return {
    ...edition,
    guardsNamespaces: true,
    accesses: [{ ...own, cluster }, ...others],
    env: { ...edition.env, KMM_GUARD_NAMESPACES: 'true' },
  };
}
