import { WEBHOOKS } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { withOptions } from './edition-options.ts';
import { EDITIONS, editions } from './editions.ts';
import { olmBundle } from './olm-bundle.ts';
import { operatorObjects } from './operator-objects.ts';
import { CERTIFICATE_FOLDER, CERTIFICATES, type Certificates } from './webhook-names.ts';

const IMAGES = { operator: 'r.example.com/kmm:1', mustGather: 'r.example.com/gather:1' };
const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;
const objectsOf = (name: (typeof EDITIONS)[number], certificates: Certificates) =>
  operatorObjects(withOptions(editions[name], { certificates }), IMAGES);
const find = (objects: readonly KubeObject[], kind: string) =>
  objects.find((object) => object.kind === kind) as KubeObject & Record<string, never>;

it.each(EDITIONS)('%s without certificates has no webhook, no port for one and no right on one', (name) => {
  const text = JSON.stringify(operatorObjects(editions[name], IMAGES));

  expect(text).not.toMatch(/webhook/i);
});

it.each(EDITIONS)('of %s sends what the operator manages to the path that it answers', (name) => {
  const objects = objectsOf(name, 'own');
  const { service: Service } = { service: find(objects, 'Service') };
  const [webhook] = find(objects, 'ValidatingWebhookConfiguration')['webhooks'] as unknown as [
    {
      rules: [{ resources: string[] }];
      failurePolicy: string;
      clientConfig: { service: Record<string, unknown> };
    },
  ];
  const known = name === 'hub' ? WEBHOOKS.hub : WEBHOOKS.cluster;

  expect(webhook).toMatchObject({ name: known.webhook, failurePolicy: 'Ignore', sideEffects: 'None' });
  expect(webhook.rules[0].resources).toEqual([name === 'hub' ? 'managedclustermodules' : 'modules']);
  const { namespace, name: service } = Service.metadata;
  expect(webhook.clientConfig.service).toEqual({ namespace, name: service, path: known.path, port: 443 });
  const pods = find(objects, 'Deployment') as unknown as {
    spec: { template: { metadata: { labels: object } } };
  };
  expect((Service as unknown as { spec: { selector: object } }).spec.selector).toEqual(
    pods.spec.template.metadata.labels,
  );
});

it.each<[Certificates, RegExp, readonly string[]]>([
  ['own', /^$/, []],
  ['cert-manager', /inject-ca-from":"openshift-kmm\/kmm-operator-webhook"/, ['Issuer', 'Certificate']],
  ['service-ca', /inject-cabundle":"true".*|serving-cert-secret-name/, []],
])('a certificate of %s: annotations, objects, folder and rights', (certificates, annotation, kinds) => {
  const objects = objectsOf('spoke', certificates);
  const text = JSON.stringify(objects);
  const before = new Set(operatorObjects(editions.spoke, IMAGES).map(({ kind }) => kind));
  const added = new Set(objects.map(({ kind }) => kind).filter((kind) => !before.has(kind)));
  const isOwn = certificates === 'own';

  expect(added).toEqual(new Set(['Service', ...kinds, 'ValidatingWebhookConfiguration']));
  if (!isOwn) expect(text).toMatch(annotation);
  expect(text.includes(CERTIFICATE_FOLDER)).toBe(!isOwn);
  const rights = objects.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
  expect(/validatingwebhookconfigurations/.test(JSON.stringify(rights))).toBe(isOwn);
  expect(/"secrets"/.test(JSON.stringify(rights))).toBe(isOwn);
});

it('the operator reaches one Secret and one configuration by name, and may create Secrets once', () => {
  const [own] = withOptions(editions.hub, { certificates: 'own' }).accesses;
  const named = own?.cluster.filter(({ resources }) => resources.includes('validatingwebhookconfigurations'));

  expect(named).toMatchObject([{ verbs: ['patch'], resourceNames: [WEBHOOKS.hub.name] }]);
  const creates = own?.own.filter(
    ({ resources, verbs }) => resources[0] === 'secrets' && verbs[0] === 'create',
  );
  expect(creates).toHaveLength(1);
});

it.each(EDITIONS)('a bundle of %s has it as a webhookdefinition, and all else as without', (name) => {
  const options = { version: '1.2.3', channel: 'stable' };
  const specOf = (certificates?: Certificates) => {
    const files = olmBundle(withOptions(editions[name], { certificates }), IMAGES, options);
    const file = Object.keys(files).find((path) => path.endsWith('clusterserviceversion.yaml')) ?? '';
    return { files: Object.keys(files), spec: parse(files[file] ?? '').spec };
  };
  const [without, withIt] = [specOf(), specOf('olm')];
  const known = name === 'hub' ? WEBHOOKS.hub : WEBHOOKS.cluster;

  expect(without.spec.webhookdefinitions).toBeUndefined();
  expect(withIt.spec.webhookdefinitions).toMatchObject([
    {
      type: 'ValidatingAdmissionWebhook',
      generateName: known.webhook,
      deploymentName: editions[name].deployment,
      targetPort: 9443,
      webhookPath: known.path,
      failurePolicy: 'Ignore',
    },
  ]);
  expect(withIt.files).toEqual(without.files);
  expect(withIt.spec.install.spec.clusterPermissions).toEqual(without.spec.install.spec.clusterPermissions);
  // What OLM mounts is where the operator looks.
  expect(JSON.stringify(withIt.spec.install.spec.deployments)).toContain(CERTIFICATE_FOLDER);
});

it('both options go together', () => {
  const edition = withOptions(editions.cluster, { certificates: 'own', guardsNamespaces: true });
  const kinds = operatorObjects(edition, IMAGES).map(keyOf);

  expect(kinds).toContain('ValidatingWebhookConfiguration kmm-operator-webhook');
  expect(kinds).toContain('ValidatingAdmissionPolicy kmm-namespaces-with-modules');
  expect(CERTIFICATES).toContain(edition.certificates);
});
