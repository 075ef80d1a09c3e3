import { RESOURCES, TOOLKIT_STREAM } from '@kmm-fleet/api';
import { apiVersionOf, CORE, type KubeClient, type KubeObject } from '@kmm-fleet/runtime';

const { group, version, plural, kind } = RESOURCES.imageStream;

/** The kind, as far as its readers go: OpenShift serves it from an API server of its own. */
const definition: KubeObject = {
  apiVersion: apiVersionOf(CORE.customResourceDefinition),
  kind: CORE.customResourceDefinition.kind,
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: 'imagestream', listKind: 'ImageStreamList' },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

/** Makes the API server one that has image streams. */
export async function addImageStreams(client: KubeClient): Promise<void> {
  await client.create(CORE.customResourceDefinition, definition);
  const namespace = { name: TOOLKIT_STREAM.namespace };
  await client.create(CORE.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: namespace });
}

/** The stream of driver toolkits as the payload of OpenShift has it. @param tags version → image */
export const putToolkits = (
  client: KubeClient,
  tags: Readonly<Record<string, string>>,
): Promise<KubeObject> => {
  const spec = {
    tags: Object.entries({ latest: 'quay.test/art/dtk@sha256:0', ...tags }).map(([name, image]) => ({
      name,
      from: { kind: 'DockerImage', name: image },
      importPolicy: { scheduled: true },
    })),
  };
  const object = { apiVersion: `${group}/${version}`, kind, metadata: { ...TOOLKIT_STREAM }, spec };
  return client.apply(RESOURCES.imageStream, object, { fieldManager: 'user', force: true });
};
