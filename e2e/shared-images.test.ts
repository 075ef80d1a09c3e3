import {
  type ManagedClusterModule,
  type ManifestWork,
  type ModuleImage,
  OPERATOR,
  RESOURCES,
} from '@kmm-fleet/api';
import { testPair } from '@kmm-fleet/images/testing';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { expect, it, onTestFinished } from 'vitest';
import { pinsOf } from './story/world.ts';
import { KERNEL, upstreamWorld } from './upstream/upstream-world.ts';

const sign = {
  keySecret: { name: 'key' },
  certSecret: { name: 'cert' },
  unsignedImage: 'registry.test/kmod:v1',
};
const container = {
  modprobe: { moduleName: 'kmod', dirName: '/opt' },
  kernelMappings: [{ regexp: '^.+$', containerImage: 'registry.test/kmod:signed', sign }],
};
const MCMS = ['one', 'two'];
const mcm = (name: string): KubeObject => ({
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name },
  spec: {
    spokeNamespace: OPERATOR.namespace,
    selector: {},
    moduleSpec: { selector: { worker: 'yes' }, moduleLoader: { container } },
  },
});
const secret = (name: string, value: Buffer): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: OPERATOR.hubNamespace, name } },
  data: { [name]: value.toString('base64') },
});

it('two modules that sign one image alike ship it both, each is told of its certificate, and one may go', async () => {
  const world = await upstreamWorld();
  onTestFinished(() => world.stop());
  const { keyPem, certPem } = testPair('rsa');
  await world.hub.create(CORE.secret, secret('key', keyPem));
  await world.hub.create(CORE.secret, secret('cert', certPem));
  for (const name of MCMS) await world.hub.create(RESOURCES.managedClusterModule, mcm(name));
  const images = () => listAll<ModuleImage>(world.hub, RESOURCES.moduleImage);
  const pins = async () => {
    const works = await listAll<ManifestWork>(world.hub, RESOURCES.manifestWork);
    return works.map((work) => pinsOf(work)[KERNEL]);
  };
  world.startSpoke();
  world.startHub();
  await world.until('both works', async () => (await pins()).length === 2);

  const [image, ...others] = await images();
  const pin = `registry.test/kmod@${image?.status?.digest}`;
  expect([image?.status?.state, others]).toEqual(['Ready', []]);
  expect(pin).not.toContain(world.digest);
  expect(await pins()).toEqual([pin, pin]);

  const condition = {
    ...{ type: 'CertificateExpires', status: 'True', reason: 'CertificateExpiresSoon' },
    ...{ message: 'The certificate expires on some day.', lastTransitionTime: '2027-01-01T00:00:00Z' },
  };
  const name = { name: image?.metadata.name ?? '' };
  const status = { status: { conditions: [condition] } };
  await world.hub.mergePatch(RESOURCES.moduleImage, name, status, { subresource: 'status' });
  await world.until('word at both', async () => {
    const all = await listAll<ManagedClusterModule>(world.hub, RESOURCES.managedClusterModule);
    return all.every((one) => one.status?.conditions?.some(({ type }) => type === condition.type));
  });

  await world.hub.delete(RESOURCES.managedClusterModule, { name: 'one' });
  await world.until('the end of one work', async () => (await pins()).length === 1);
  await world.advance(60_000);
  expect(await pins()).toEqual([pin]);
  expect((await images()).map(({ spec, status: is }) => [spec.module.name, is?.state])).toEqual([
    ['two', 'Ready'],
  ]);
});
