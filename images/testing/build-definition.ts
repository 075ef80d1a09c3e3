import { RESOURCES } from '@kmm-fleet/api';
import { apiVersionOf, CORE, type KubeObject } from '@kmm-fleet/runtime';

const { group, version, plural, kind } = RESOURCES.build;

const text = { type: 'string' };
const number = { type: 'integer', format: 'int64' };
const flag = { type: 'boolean' };
const texts = { type: 'object', additionalProperties: text };
const list = (items: object) => ({ type: 'array', items });
const record = (properties: Readonly<Record<string, object>>, ...required: readonly string[]) => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
});
const choice = (...values: readonly string[]) => ({ type: 'string', enum: values });
const name = record({ name: text }, 'name');
const pair = record({ name: text, value: text }, 'name');

const volume = record(
  {
    name: text,
    mounts: list(record({ destinationPath: text }, 'destinationPath')),
    source: record(
      {
        type: choice('Secret', 'ConfigMap', 'CSI'),
        secret: record({
          secretName: text,
          optional: flag,
          defaultMode: number,
          items: list(record({ key: text, path: text, mode: number }, 'key', 'path')),
        }),
      },
      'type',
    ),
  },
  'name',
  'source',
  'mounts',
);

const dockerStrategy = record({
  pullSecret: name,
  noCache: flag,
  env: list(pair),
  forcePull: flag,
  dockerfilePath: text,
  buildArgs: list(pair),
  volumes: list(volume),
});

const spec = record(
  {
    serviceAccount: text,
    source: record({ type: choice('Dockerfile', 'Git', 'Binary', 'Image', 'None'), dockerfile: text }),
    strategy: record({ type: choice('Docker', 'Source', 'Custom'), dockerStrategy }, 'type'),
    output: record({
      to: record({ kind: choice('DockerImage', 'ImageStreamTag'), name: text }),
      pushSecret: name,
      imageLabels: list(pair),
    }),
    resources: record({ requests: texts, limits: texts }),
    completionDeadlineSeconds: { ...number, minimum: 1 },
    nodeSelector: texts,
    mountTrustedCA: flag,
    triggeredBy: list(record({ message: text })),
  },
  'strategy',
);

const status = record({
  phase: choice('New', 'Pending', 'Running', 'Complete', 'Failed', 'Error', 'Cancelled'),
  reason: text,
  message: text,
  logSnippet: text,
  output: record({ to: record({ imageDigest: text }) }),
});

/** OpenShift's Build, as far as Dockerfiles go: what is not in it is dropped, as the API server of OpenShift would. */
export const buildDefinition: KubeObject = {
  apiVersion: apiVersionOf(CORE.customResourceDefinition),
  kind: CORE.customResourceDefinition.kind,
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: 'build', listKind: 'BuildList' },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: record({ spec, status }, 'spec') },
      },
    ],
  },
};
