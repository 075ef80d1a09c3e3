import assert from 'node:assert/strict';
import { isTrue, type Module, type ModuleImage, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { toolkits } from '@kmm-fleet/cli';
import { HOST } from '@kmm-fleet/lab';
import { editions, withOptions } from '@kmm-fleet/policies';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { apply, type KernelFleet } from './kernel-fleet.ts';
import { NAMESPACE } from './observe.ts';
import { until } from './patience.ts';
import { buildSmallToolkit } from './small-toolkit.ts';
import { pushTestSources } from './test-modules.ts';

const NAME = 'built-on-a-node';
const KEY = { namespace: NAMESPACE, name: NAME };
/** As kernels name it. */
const MODULE = 'kmm_e2e_base';
const LOGIN = 'login-of-nodes';
const DOCKERFILE = `${NAME}-dockerfile`;

/** What to install for it. */
export const BUILDS_IN_JOBS = {
  edition: withOptions(editions.cluster, { builder: 'job' }),
  image: 'kmm-cluster',
} as const;

/**
 * An operator without privilege that builds in Jobs: the pod that the cluster's controllers and the kubelet of `secure`
 * make of such a Job builds a module for the kernel that it runs on, and that kernel takes it when it is signed.
 */
export async function tellJobBuild(fleet: KernelFleet): Promise<void> {
  const { bench, east, kernels, secure } = fleet;
  const source = await pushTestSources(bench);
  const toolkit = await buildSmallToolkit(bench, { source, module: MODULE, kernel: kernels.edge });
  await until('the operator', async () => (await podsOf(fleet, 'operator')).some(hasStarted));
  await apply(east, inputs(fleet, { source, toolkit }));

  const { nodeName, rights } = await watchBuild(fleet);
  assert.equal(nodeName, secure.name);
  assert.deepEqual(rights, RIGHTS);
  const pushed = `${bench.address}/${NAME}:${kernels.edge}`;
  const { digest } = (await imageOf(fleet))?.status ?? {};
  assert.equal(digest, await bench.registry.resolve(pushed, bench.access));
  const copied = await secure.run(`cat ${LOGS_OF_BUILDS}`);
  assert.match(copied.output, new RegExp(`CC \\[M\\] .*${MODULE}.o`));

  await until('the module in the kernel', () => isLoaded(fleet));
  await until('the Module says so', async () => isTrue((await moduleOf(fleet))?.status?.conditions, 'Ready'));
  await until('nothing left of the build', async () => {
    const left = await Promise.all([listAll(east, CORE.job), podsOf(fleet, 'build')]);
    return left.flat().length === 0;
  });
  await east.delete(RESOURCES.module, KEY, {});
  await until('no Module', async () => (await moduleOf(fleet)) === undefined);
  assert.equal(await isLoaded(fleet), false);
}

/** Of the operator, which got them from the kubelet; where the machine has the volume of its pod. */
const LOGS_OF_BUILDS = '/var/lib/kubelet/pods/*/volumes/kubernetes.io~empty-dir/builds/builds/logs/*.log';

/** As the kernel tells of buildah: the capabilities that it is given, and that a filter of system calls is on. */
const RIGHTS = ['CapEff: 00000000882405fb', 'Seccomp: 2'];
const RIGHTS_OF_BUILDAH = `for told in $(grep -sxl buildah /proc/[0-9]*/comm); do \
sed -n 's/^\\(CapEff\\|Seccomp\\):.\\(.*\\)/\\1: \\2/p' "\${told%comm}status"; done | sort -u`;

/** Looks on until the image is there. @returns where it was built, and what buildah might do there */
async function watchBuild(fleet: KernelFleet) {
  let nodeName: string | undefined;
  let rights: string[] = [];
  await until('the image', async () => {
    const [pod] = await podsOf(fleet, 'build');
    nodeName = (pod?.['spec'] as { nodeName?: string } | undefined)?.nodeName ?? nodeName;
    // The machine has enough to do: it is asked until it has told.
    if (nodeName && rights.length === 0)
      rights = (await fleet.secure.run(RIGHTS_OF_BUILDAH)).output.split('\n').filter(Boolean);
    return (await imageOf(fleet))?.status?.state === 'Ready';
  });
  return { nodeName, rights };
}

const podsOf = ({ east }: KernelFleet, component: string) =>
  listAll(east, CORE.pod, {
    namespace: NAMESPACE,
    labelSelector: `app.kubernetes.io/component=${component}`,
  });

const hasStarted = ({ status }: KubeObject): boolean =>
  isTrue((status as { conditions?: { type: string; status: string }[] }).conditions, 'Ready');

const moduleOf = async ({ east }: KernelFleet) =>
  (await east.get(RESOURCES.module, KEY)) as unknown as Module | undefined;

async function imageOf({ east }: KernelFleet): Promise<ModuleImage | undefined> {
  const images = (await listAll(east, RESOURCES.moduleImage)) as unknown as ModuleImage[];
  return images.find(({ spec }) => spec.image.includes(`/${NAME}:`));
}

async function isLoaded({ secure }: KernelFleet): Promise<boolean> {
  return (await secure.run(`grep -q '^${MODULE} ' /proc/modules`)).code === 0;
}

/** As pods of the machines name an image of the registry. */
const fromNodes = (image: string) => image.replace('127.0.0.1', HOST);

const here = (name: string) => ({ name, namespace: NAMESPACE });

interface Bases {
  readonly source: string;
  readonly toolkit: string;
}

/** The Module, and all that it and its build read. */
function inputs({ bench, kernels, manifests }: KernelFleet, { source, toolkit }: Bases): KubeObject[] {
  const keys = manifests.filter(({ metadata }) => metadata.name.startsWith('my-signing-key'));
  const { dockerConfig = '' } = bench.access;
  return [
    { ...toolkits(fromNodes(toolkit)), metadata: here(OPERATOR.toolkits) },
    ...keys.map((key) => ({ ...key, metadata: here(key.metadata.name) })),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: here(LOGIN),
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(fromNodes(dockerConfig)).toString('base64') },
    },
    dockerfile(recipe(fromNodes(source), fromNodes(bench.runtime))),
    module(fromNodes(bench.address), kernels.edge),
  ];
}

const module = (registry: string, kernel: string): KubeObject => ({
  apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
  kind: 'Module',
  metadata: KEY,
  spec: {
    selector: { 'kubernetes.io/hostname': 'secure' },
    imageRepoSecret: { name: LOGIN },
    moduleLoader: {
      container: {
        modprobe: { moduleName: MODULE },
        kernelMappings: [
          {
            literal: kernel,
            containerImage: `${registry}/${NAME}:${kernel}`,
            build: { dockerfileConfigMap: { name: DOCKERFILE } },
            sign: {
              keySecret: { name: 'my-signing-key' },
              certSecret: { name: 'my-signing-key-pub' },
              filesToSign: [`/opt/lib/modules/${kernel}/${MODULE}.ko`],
            },
          },
        ],
      },
    },
  },
});

const dockerfile = (text: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: here(DOCKERFILE),
  data: { dockerfile: text },
});

/** One file of source: a kernel that is emulated compiles slowly. */
const recipe = (source: string, runtime: string) => `ARG DTK_AUTO
FROM ${source} AS source
FROM \${DTK_AUTO} AS builder
ARG KERNEL_VERSION
WORKDIR /usr/src/modules
COPY --from=source /${MODULE}.c ./
RUN echo 'obj-m := ${MODULE}.o' >Makefile && make -C /lib/modules/\${KERNEL_VERSION}/build M="$PWD" modules
FROM ${runtime}
ARG KERNEL_VERSION
COPY --from=builder /usr/src/modules/${MODULE}.ko /opt/lib/modules/\${KERNEL_VERSION}/
RUN depmod -b /opt \${KERNEL_VERSION}
`;
