import type { KubeObject } from '@kmm-fleet/runtime';
import { type OperatorImages, operatorDeployment } from './deployment.ts';
import type { Edition } from './editions.ts';
import { type Folder, toYaml, yamlOf } from './folder.ts';
import { operatorObjects } from './operator-objects.ts';

/** What the base says in place of an image; the overlay tells kustomize its name. */
const OPERATOR_IMAGE = 'kmm-operator';

/**
 * A base, which is the same for everybody who runs this version, and an overlay with what is yours: images and their
 * login. A site adds its own patches to the overlay, or writes one beside it.
 */
export function kustomizeFolder(edition: Edition, images: OperatorImages): Folder {
  const base = operatorObjects(edition, { operator: OPERATOR_IMAGE, mustGather: OPERATOR_IMAGE });
  const files = new Map<string, string>();
  for (const object of base) {
    const file = fileOf(object);
    files.set(file, (files.get(file) ?? '') + toYaml(object));
  }
  const resources = [...files.keys()];
  return {
    'base/kustomization.yaml': yamlOf({ ...KUSTOMIZATION, resources }),
    ...Object.fromEntries([...files].map(([file, text]) => [`base/${file}`, text])),
    [`overlays/${edition.name}/kustomization.yaml`]: yamlOf({
      ...KUSTOMIZATION,
      resources: ['../../base'],
      patches: [{ path: 'images.yaml' }],
    }),
    [`overlays/${edition.name}/images.yaml`]: yamlOf(imagesPatch(edition, images)),
  };
}

const KUSTOMIZATION = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' } as const;

function fileOf({ kind }: KubeObject): string {
  if (kind === 'CustomResourceDefinition') return 'crds.yaml';
  if (kind === 'Deployment') return 'deployment.yaml';
  if (kind.startsWith('Validating') || ['Service', 'Issuer', 'Certificate'].includes(kind))
    return 'admission.yaml';
  return kind === 'Namespace' ? 'namespace.yaml' : 'access.yaml';
}

/** A strategic merge patch: containers and variables are found by their names. */
function imagesPatch(edition: Edition, images: OperatorImages): KubeObject {
  const { apiVersion, kind, metadata } = operatorDeployment(edition, images);
  const container = {
    name: 'manager',
    image: images.operator,
    env: [{ name: 'RELATED_IMAGES_MUST_GATHER', value: images.mustGather }],
  };
  const login = images.pullSecret && { imagePullSecrets: [{ name: images.pullSecret }] };
  return {
    apiVersion,
    kind,
    metadata: { name: metadata.name, namespace: edition.namespace },
    spec: { template: { spec: { ...login, containers: [container] } } },
  };
}
