import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTrue, LABELS, type Module, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { readObjects } from '@kmm-fleet/cli';
import { pushImage } from '@kmm-fleet/images/testing';
import { installObjects } from '@kmm-fleet/lab';
import { accessObjects, standaloneAccess } from '@kmm-fleet/policies';
import { CORE, systemClock as clock, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { apply, type KernelFleet } from './kernel-fleet.ts';
import { guests, NAMESPACE, NODES, readyDevicePlugins } from './observe.ts';
import { until } from './patience.ts';
import { DOCKERFILE, type TestModules } from './test-modules.ts';

const GUIDE = join(import.meta.dirname, '../../docs/examples/guide');
/** Written here under the guide's names: its Dockerfile clones the sources of simple-kmod from GitHub. */
const SIMPLE_KMOD = join(import.meta.dirname, 'simple-kmod');
/** Of the guide's section 4.8. */
const OTHER_NAMESPACE = 'default';
/** Modules of the three examples, as kernels name them. */
const LOADED = ['kmm_e2e_base', 'kmm_e2e_two', 'simple_kmod'];
const FIRMWARE_PATH = '/sys/module/firmware_class/parameters/path';

/**
 * The guide's sections 4.3 to 4.10 on a cluster without a hub: its examples, with the places of names filled in. The
 * operator of a managed cluster makes room first.
 */
export async function tellStandAlone(fleet: KernelFleet, modules: TestModules): Promise<void> {
  await replaceOperator(fleet);
  await pushSimpleKmod(fleet);
  for (const name of NODES)
    await fleet.east.mergePatch(CORE.node, { name }, { metadata: { labels: WORKER } }, {});
  await fleet.plain.run(`echo -n /lib/firmware/extra >${FIRMWARE_PATH}`);
  await apply(fleet.east, [...inputs(fleet, modules, NAMESPACE), ...inputs(fleet, modules, OTHER_NAMESPACE)]);
  await apply(fleet.east, examples(fleet, modules));

  await until('all modules in both kernels', async () => {
    const all = await Promise.all(guests(fleet).map(exampleModules));
    return all.every((found) => found.join() === LOADED.join());
  });
  for (const guest of guests(fleet))
    assert.equal((await guest.run('cat /sys/module/simple_kmod/parameters/param')).output, '1');
  for (const key of KEYS)
    await until(`${key.name} says so`, async () => isTrue((await statusOf(fleet, key))?.conditions, 'Ready'));
  await until('both device plugins', async () => (await readyDevicePlugins(fleet)) === NODES.length);
  await tellFirmwarePath(fleet);
  assert.ok(
    await fleet.bench.registry.image(intermediate(fleet), fleet.bench.access),
    'the image between build and signing has the name that the guide gives it',
  );

  for (const { namespace, name } of KEYS) await fleet.east.delete(RESOURCES.module, { namespace, name }, {});
  for (const key of KEYS)
    await until(`no Module ${key.name}`, async () => !(await fleet.east.get(RESOURCES.module, key)));
  for (const guest of guests(fleet)) assert.deepEqual(await exampleModules(guest), []);
  assert.equal(await readyDevicePlugins(fleet), 0);
}

const WORKER = { 'node-role.kubernetes.io/worker': '' };
const SIMPLE = { namespace: NAMESPACE, name: 'simple-kmod' };
const KEYS = [
  SIMPLE,
  { namespace: NAMESPACE, name: 'example-module' },
  { namespace: OTHER_NAMESPACE, name: 'example-module' },
];

/** A node that does not look where firmware goes is named; it is no longer when its loader has started anew. */
async function tellFirmwarePath(fleet: KernelFleet): Promise<void> {
  const warning = async () =>
    (await statusOf(fleet, SIMPLE))?.conditions?.find(({ type }) => type === 'FirmwarePathNotSet')?.message;
  await until(
    'the warning of plain',
    async () => (await warning())?.includes('does not look on plain.') ?? false,
  );
  await fleet.plain.run(`echo -n /var/lib/firmware >${FIRMWARE_PATH}`);
  const loaders = await listAll(fleet.east, CORE.pod, {
    labelSelector: `${LABELS.moduleName}=${SIMPLE.name}`,
  });
  for (const { metadata, spec } of loaders)
    if ((spec as { nodeName?: string }).nodeName === fleet.plain.name)
      await fleet.east.delete(CORE.pod, metadata, {});
  await until('no warning', async () => (await warning()) === undefined);
}

async function replaceOperator(fleet: KernelFleet): Promise<void> {
  await installObjects(fleet.east, accessObjects(standaloneAccess), clock);
  const { toolkits } = fleet;
  await apply(fleet.east, [
    { ...toolkits, metadata: { ...toolkits.metadata, namespace: OPERATOR.namespace } },
  ]);
  await fleet.operate('standalone');
}

const simpleSource = ({ bench }: KernelFleet) => `${bench.address}/simple-kmod-source:1`;

async function pushSimpleKmod(fleet: KernelFleet): Promise<void> {
  const files = readdirSync(SIMPLE_KMOD).map(
    (name) => [`/${name}`, readFileSync(join(SIMPLE_KMOD, name))] as const,
  );
  const firmware = { '/firmware/simple.bin': 'firmware' };
  const { registry, access } = fleet.bench;
  await pushImage(registry, simpleSource(fleet), access, { ...Object.fromEntries(files), ...firmware });
}

/** Secrets and ConfigMaps that the examples name. */
function inputs(fleet: KernelFleet, { source }: TestModules, namespace: string): KubeObject[] {
  const secrets = fleet.manifests.filter(({ kind }) => kind === 'Secret');
  const own = secrets.map((secret) => ({ ...secret, metadata: { name: secret.metadata.name, namespace } }));
  const configMap = (name: string, data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data,
  });
  const filled = (dockerfile: string, image: string) =>
    dockerfile.replace('${SOURCE_IMAGE}', image).replaceAll('${RUNTIME_IMAGE}', fleet.bench.runtime);
  const token = { some: Buffer.from('a token').toString('base64') };
  return [
    ...own,
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'build-secret', namespace }, data: token },
    configMap('simple-kmod-dockerfile', { dockerfile: filled(SIMPLE_DOCKERFILE, simpleSource(fleet)) }),
    configMap('example-module-dockerfile', { dockerfile: filled(DOCKERFILE, source) }),
    configMap('device-plugin-config', { name: 'value' }),
  ];
}

/** After 2.3.1 and 4.4.1, but for where the sources come from; the secret of the build is where 4.3.3 says it is. */
const SIMPLE_DOCKERFILE = `ARG DTK_AUTO
FROM \${SOURCE_IMAGE} AS source
FROM \${DTK_AUTO} AS builder
ARG KERNEL_VERSION
ARG ARG_NAME
RUN test -s /run/secrets/build-secret/some && test "\${ARG_NAME}" = some-value
WORKDIR /build/simple-kmod
COPY --from=source / ./
RUN make all install KVER=\${KERNEL_VERSION}
FROM \${RUNTIME_IMAGE}
ARG KERNEL_VERSION
COPY --from=builder /lib/modules/\${KERNEL_VERSION}/simple-kmod.ko /opt/lib/modules/\${KERNEL_VERSION}/
COPY --from=builder /lib/modules/\${KERNEL_VERSION}/simple-procfs-kmod.ko /opt/lib/modules/\${KERNEL_VERSION}/
COPY --from=source /firmware /firmware
RUN depmod -b /opt \${KERNEL_VERSION}
`;

const builtAndSigned = ({ bench }: KernelFleet) => `${bench.address}/example-module:final`;
/** As the code of KMM names it, where the guide writes a dash for the first underscore. */
const intermediate = (fleet: KernelFleet) =>
  `${builtAndSigned(fleet)}_${OTHER_NAMESPACE}_example-module_kmm_unsigned`;

function examples(fleet: KernelFleet, modules: TestModules): KubeObject[] {
  const { address } = fleet.bench;
  const keys: [string, string][] = [
    ['<private key secret name>', 'my-signing-key'],
    ['<certificate secret name>', 'my-signing-key-pub'],
    ['\\.x86_64$', 'amd64$'],
  ];
  const simple = example('4.3.3-module.yaml', [
    ['<my_kmod>', SIMPLE.name],
    ['some.registry/org/device-plugin:latest', `${address}/kmm-demo-device-plugin:1.0`],
    ['some.registry/org', address],
    ['<some_value>', 'some-value'],
    ['<some_kubernetes_secret>', 'build-secret'],
    ['<my_kmod_dockerfile>', 'simple-kmod-dockerfile'],
    ['<cert_secret>', 'my-signing-key-pub'],
    ['<key_secret>', 'my-signing-key'],
    ['<sa_module_loader>', OPERATOR.loaderServiceAccount],
    ['<sa_device_plugin>', OPERATOR.devicePluginServiceAccount],
    ['<device_plugin_volume>', 'config'],
    ['<some_configmap>', 'device-plugin-config'],
    ['<secret_name>', 'repo-pull-secret'],
  ]);
  const signOnly = example('4.7-sign-only.yaml', [
    ...keys,
    ['<your module name>', 'kmm_e2e_base'],
    ['<image name e.g. quay.io/myuser/my-driver:<kernelversion>-signed>', `${modules.image}-signed`],
    ['<image name e.g. quay.io/myuser/my-driver:<kernelversion> >', modules.image],
    ['/opt/lib/modules/4.18.0-348.2.1.el8_5.x86_64/kmm_ci_a.ko', fileOf(fleet, 'kmm_e2e_base')],
  ]);
  const buildAndSign = example('4.8-build-and-sign.yaml', [
    ...keys,
    ['moduleName: simple_kmod', 'moduleName: kmm_e2e_two'],
    ['< the name of the final driver container to produce>', builtAndSigned(fleet)],
    ['/opt/lib/modules/4.18.0-348.2.1.el8_5.x86_64/kmm_ci_a.ko', fileOf(fleet, 'kmm_e2e_two')],
  ]);
  const here = (object: KubeObject) => ({
    ...object,
    metadata: { ...object.metadata, namespace: NAMESPACE },
  });
  return [here(simple), here(signOnly), buildAndSign];
}

const fileOf = ({ kernels }: KernelFleet, module: string) => `/opt/lib/modules/${kernels.edge}/${module}.ko`;

/** An example of the guide, with what a user fills in. */
function example(file: string, places: readonly (readonly [string, string])[]): KubeObject {
  let text = readFileSync(join(GUIDE, file), 'utf8');
  for (const [place, value] of places) {
    assert.ok(text.includes(place), `${file} has no ${place}`);
    text = text.replaceAll(place, value);
  }
  const [object] = readObjects(text);
  if (!object) throw new Error(`${file} holds no object`);
  // The device plugin of the tests needs a command.
  return withCommand(object);
}

function withCommand(object: KubeObject): KubeObject {
  const spec = object['spec'] as { devicePlugin?: { container: object } };
  if (!spec.devicePlugin) return object;
  const container = { ...spec.devicePlugin.container, command: ['/usr/bin/device-plugin'] };
  return { ...object, spec: { ...spec, devicePlugin: { ...spec.devicePlugin, container } } };
}

async function statusOf({ east }: KernelFleet, key: { readonly namespace: string; readonly name: string }) {
  return ((await east.get(RESOURCES.module, key)) as unknown as Module | undefined)?.status;
}

async function exampleModules(guest: KernelFleet['plain']): Promise<string[]> {
  const { output } = await guest.run(
    "sed -n 's/^\\(kmm_e2e_[a-z]*\\|simple_kmod\\) .*/\\1/p' /proc/modules | sort",
  );
  return output.split('\n').filter(Boolean);
}
