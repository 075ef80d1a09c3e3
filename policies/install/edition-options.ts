import type { BuilderName } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { type Access, may, type PolicyRule } from '../rbac/access.ts';
import { withBuilder } from './builders.ts';
import type { Edition } from './editions.ts';
import { CERTIFICATE_FOLDER, type Certificates, WEBHOOK_PORT } from './webhook-names.ts';

/** What a site may add to an edition. */
export interface EditionOptions {
  /** Who makes images from Dockerfiles; buildah beside the operator when left out. */
  readonly builder?: BuilderName | undefined;
  /** Namespaces with Modules are kept. For operators of nodes: a hub has no Modules. */
  readonly guardsNamespaces?: boolean | undefined;
  /** The API server asks the operator about what it manages, by a certificate of these. */
  readonly certificates?: Certificates | undefined;
}

/** The edition with what a site adds: settings, rights and objects follow from it. */
export function withOptions(
  edition: Edition,
  { builder = 'buildah', guardsNamespaces, certificates }: EditionOptions,
): Edition {
  const building = withBuilder(edition, builder);
  const guarded = guardsNamespaces ? withGuard(building) : building;
  return certificates ? withWebhook(guarded, certificates) : guarded;
}

function withGuard(edition: Edition): Edition {
  const cluster = [may(['list', 'watch', 'patch'], CORE.namespace)];
  const env = { ...edition.env, KMM_GUARD_NAMESPACES: 'true' };
  return { ...edition, guardsNamespaces: true, env, accesses: granted(edition, { cluster }) };
}

function withWebhook(edition: Edition, certificates: Certificates): Edition {
  const isOwn = certificates === 'own';
  const env = {
    ...edition.env,
    WEBHOOK_PORT: String(WEBHOOK_PORT),
    ...(!isOwn && { WEBHOOK_CERT_DIR: CERTIFICATE_FOLDER }),
  };
  const named = { resourceNames: [edition.webhook.name] };
  const cluster = isOwn ? [{ ...may(['patch'], CORE.validatingWebhookConfiguration), ...named }] : [];
  const own = isOwn
    ? [may(['create'], CORE.secret), { ...may(['get', 'update'], CORE.secret), ...named }]
    : [];
  return { ...edition, certificates, env, accesses: granted(edition, { cluster, own }) };
}

/** With more rights for the operator itself. */
function granted({ accesses }: Edition, more: Partial<Pick<Access, 'cluster' | 'own'>>): Access[] {
  return accesses.map((access, index) => {
    if (index > 0) return access;
    const known = new Set([...access.cluster, ...access.own].map((rule) => JSON.stringify(rule)));
    const isNew = (rule: PolicyRule) => !known.has(JSON.stringify(rule));
    return {
      ...access,
      cluster: [...access.cluster, ...(more.cluster ?? []).filter(isNew)],
      own: [...access.own, ...(more.own ?? []).filter(isNew)],
    };
  });
}
