import type { KubeObject } from '@kmm-fleet/runtime';
import { kubernetesMin, type OperatorImages } from './deployment.ts';
import type { Edition } from './editions.ts';
import { type Folder, toYaml, yamlOf } from './folder.ts';
import { fillHoles, hole, VALUES_SCHEMA } from './helm-values.ts';
import { operatorObjects, PRIVILEGED } from './operator-objects.ts';

/** A Helm chart. What `values` leave out is as in every other form; a value of the wrong type is refused by the schema. */
export function helmChart(edition: Edition, images: OperatorImages, version: string): Folder {
  const objects = operatorObjects(edition, { operator: hole('image'), mustGather: hole('mustGatherImage') })
    // Helm makes the namespace, or finds one.
    .filter(({ kind }) => kind !== 'Namespace')
    .map((object) => templateOf(object, edition));
  const isKind = ({ kind }: KubeObject) => kind === 'CustomResourceDefinition';
  const template = (some: readonly KubeObject[]) => fillHoles(some.map(toYaml).join(''));
  return {
    'Chart.yaml': yamlOf({
      apiVersion: 'v2',
      name: edition.chart,
      description: edition.title,
      type: 'application',
      version,
      appVersion: version,
      kubeVersion: `>=${kubernetesMin(edition)}-0`,
      home: 'https://kmm.sigs.k8s.io',
    }),
    'values.yaml': valuesOf(images),
    'values.schema.json': `${JSON.stringify(VALUES_SCHEMA, null, 2)}\n`,
    'templates/crds.yaml': template(objects.filter(isKind)),
    'templates/operator.yaml': template(objects.filter((object) => !isKind(object))),
    'templates/NOTES.txt': notes(edition),
  };
}

function valuesOf({ operator, mustGather, pullSecret = '' }: OperatorImages): string {
  const { properties } = VALUES_SCHEMA;
  const values = {
    image: operator,
    mustGatherImage: mustGather === operator ? '' : mustGather,
    pullSecret,
    nodeSelector: {},
    tolerations: [],
    env: {},
  };
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `# ${properties[name as keyof typeof properties].description}\n${yamlOf({ [name]: value })}`,
    )
    .join('');
}

/** The object with holes for what a release says: its namespace, and what pods of a site need. */
function templateOf(object: KubeObject, edition: Edition): KubeObject {
  const placed = withNamespace(object, edition.namespace) as KubeObject;
  if (object.kind === 'CustomResourceDefinition') return kept(placed);
  return object.kind === 'Deployment' ? withPodHoles(placed) : placed;
}

/** Without its kinds a cluster loses all objects of them, so an uninstall leaves them. */
function kept(definition: KubeObject): KubeObject {
  const { metadata } = definition as KubeObject & { metadata: { annotations?: object } };
  const annotations = { ...metadata.annotations, 'helm.sh/resource-policy': 'keep' };
  return { ...definition, metadata: { ...metadata, annotations } };
}

function withNamespace(value: unknown, namespace: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withNamespace(item, namespace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'namespace' && inner === namespace ? hole('namespace') : withNamespace(inner, namespace),
    ]),
  );
}

interface Workload extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly env: readonly unknown[] }[];
      };
    };
  };
}

function withPodHoles(deployment: KubeObject): KubeObject {
  const { spec, ...rest } = deployment as Workload;
  const pod = spec.template.spec;
  const containers = pod.containers.map((each) => ({ ...each, env: [...each.env, hole('env')] }));
  const holes = {
    imagePullSecrets: hole('pullSecret'),
    nodeSelector: hole('nodeSelector'),
    tolerations: hole('tolerations'),
  };
  const template = { ...spec.template, spec: { ...holes, ...pod, containers } };
  return { ...rest, spec: { ...spec, template } };
}

const notes = ({
  deployment,
}: Edition) => `{{ .Chart.Description }} {{ .Chart.AppVersion }} is in {{ .Release.Namespace }}:

  kubectl get deployment -n {{ .Release.Namespace }} ${deployment}

Its pods, or those that it makes, are privileged. Where the cluster enforces Pod Security, allow them:

  kubectl label namespace {{ .Release.Namespace }} ${Object.entries(PRIVILEGED)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}

Uninstalling leaves the kinds and what is loaded.
`;
