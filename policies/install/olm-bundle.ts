import type { KubeObject } from '@kmm-fleet/runtime';
import { eitherAccess, type PolicyRule } from '../rbac/access.ts';
import { kubernetesMin, type OperatorImages, operatorDeployment } from './deployment.ts';
import type { Edition } from './editions.ts';
import { type Folder, yamlOf } from './folder.ts';
import { exampleObjects, INTERNAL_KINDS, ownedKinds } from './olm-kinds.ts';
import { operatorObjects } from './operator-objects.ts';
import { WEBHOOK_PORT } from './webhook-names.ts';

export interface BundleOptions {
  /** Of this release. */
  readonly version: string;
  readonly channel: string;
}

/**
 * A bundle for Operator Lifecycle Manager: what is in it and how it is found, and a Dockerfile that makes an image of
 * it. OLM makes the namespace's accounts and their roles from the ClusterServiceVersion, so they are not in it twice.
 */
export function olmBundle(edition: Edition, images: OperatorImages, options: BundleOptions): Folder {
  const accesses = edition.mayBeManaged ? edition.accesses.map(eitherAccess) : edition.accesses;
  const objects = operatorObjects({ ...edition, accesses }, images);
  const labels = labelsOf(edition, options);
  const definitions = objects
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
    .map((object) => [`manifests/${object.metadata.name}.crd.yaml`, yamlOf(object)]);
  return {
    [`manifests/${edition.olmPackage}.clusterserviceversion.yaml`]: yamlOf(
      serviceVersion(edition, images, objects, options),
    ),
    ...Object.fromEntries(definitions),
    'metadata/annotations.yaml': yamlOf({ annotations: labels }),
    'bundle.Dockerfile': dockerfile(labels),
  };
}

function labelsOf({ olmPackage }: Edition, { channel }: BundleOptions): Readonly<Record<string, string>> {
  const prefix = 'operators.operatorframework.io.bundle';
  return {
    [`${prefix}.mediatype.v1`]: 'registry+v1',
    [`${prefix}.manifests.v1`]: 'manifests/',
    [`${prefix}.metadata.v1`]: 'metadata/',
    [`${prefix}.package.v1`]: olmPackage,
    [`${prefix}.channels.v1`]: channel,
    [`${prefix}.channel.default.v1`]: channel,
  };
}

function dockerfile(labels: Readonly<Record<string, string>>): string {
  const lines = Object.entries(labels).map(([name, value]) => `LABEL ${name}=${value}`);
  return ['FROM scratch', ...lines, 'COPY manifests /manifests/', 'COPY metadata /metadata/', ''].join('\n');
}

function serviceVersion(
  edition: Edition,
  images: OperatorImages,
  objects: readonly KubeObject[],
  { version }: BundleOptions,
): KubeObject {
  const { olmPackage, title, description, deployment } = edition;
  const { metadata, spec } = operatorDeployment(edition, images) as KubeObject & { readonly spec: object };
  return {
    apiVersion: 'operators.coreos.com/v1alpha1',
    kind: 'ClusterServiceVersion',
    metadata: {
      name: `${olmPackage}.v${version}`,
      annotations: {
        capabilities: 'Basic Install',
        categories: 'Drivers and plugins',
        containerImage: images.operator,
        'operatorframework.io/suggested-namespace': edition.namespace,
        'operators.operatorframework.io/internal-objects': JSON.stringify(INTERNAL_KINDS),
        'alm-examples': JSON.stringify(exampleObjects(edition.kinds)),
      },
    },
    spec: {
      displayName: title,
      description,
      version,
      maturity: 'alpha',
      minKubeVersion: kubernetesMin(edition),
      provider: { name: 'KMM Fleet' },
      links: [{ name: 'Kernel Module Management', url: 'https://kmm.sigs.k8s.io' }],
      keywords: ['kernel', 'module', 'driver', 'fleet'],
      // Modules are anywhere, so the operator watches all namespaces.
      installModes: ['OwnNamespace', 'SingleNamespace', 'MultiNamespace', 'AllNamespaces'].map((type) => ({
        type,
        supported: type === 'AllNamespaces',
      })),
      ...webhooks(objects, deployment),
      customresourcedefinitions: { owned: ownedKinds(edition.kinds) },
      install: {
        strategy: 'deployment',
        spec: {
          clusterPermissions: permissions(objects, 'ClusterRole'),
          permissions: permissions(objects, 'Role'),
          deployments: [{ name: deployment, label: metadata['labels'], spec }],
        },
      },
    },
  };
}

/** OLM makes the Service, the certificate and the configuration, from what the configuration says. */
function webhooks(objects: readonly KubeObject[], deploymentName: string) {
  const configurations = objects.filter(({ kind }) => kind === 'ValidatingWebhookConfiguration');
  const entries = configurations.flatMap((object) => object['webhooks'] as readonly Webhook[]);
  if (entries.length === 0) return {};
  const webhookdefinitions = entries.map(({ name, clientConfig, ...rest }) => ({
    type: 'ValidatingAdmissionWebhook',
    generateName: name,
    deploymentName,
    containerPort: 443,
    targetPort: WEBHOOK_PORT,
    webhookPath: clientConfig.service.path,
    ...rest,
  }));
  return { webhookdefinitions };
}

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly service: { readonly path: string } };
}

interface Binding {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly name: string; readonly namespace: string }[];
}

/** What OLM grants to each account in the operator's namespace, from the bindings that other ways of installing apply. */
function permissions(objects: readonly KubeObject[], kind: 'ClusterRole' | 'Role') {
  const own = objects.find((object) => object.kind === 'Namespace')?.metadata.name;
  const rules = new Map(
    objects
      .filter((object) => object.kind === kind)
      .map((object) => [object.metadata.name, object['rules'] as readonly PolicyRule[]]),
  );
  const granted = new Map<string, PolicyRule[]>();
  for (const object of objects.filter((each) => each.kind === `${kind}Binding`)) {
    const { roleRef, subjects } = object as KubeObject & Binding;
    for (const { name } of subjects.filter(({ namespace }) => namespace === own))
      granted.set(name, [...(granted.get(name) ?? []), ...(rules.get(roleRef.name) ?? [])]);
  }
  return [...granted].map(([serviceAccountName, all]) => ({ serviceAccountName, rules: all }));
}
