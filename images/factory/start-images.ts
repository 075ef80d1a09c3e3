import {
  formatImageReference,
  type ModuleImage,
  type ModuleImageStatus,
  OPERATOR,
  parseImageReference,
  RESOURCES,
} from '@kmm-fleet/api';
import {
  aborted,
  blindKinds,
  type Cache,
  CORE,
  createCache,
  createQueue,
  createTurns,
  type KubeClient,
  type KubeObject,
  type Metrics,
  type OperatorPorts,
} from '@kmm-fleet/runtime';
import type { Builder } from '../builders/builder.ts';
import type { Registry } from '../registry/registry.ts';
import type { Systems } from '../toolkits/systems.ts';
import { createToolkitStream } from '../toolkits/toolkit-stream.ts';
import { createCurrentBuilds } from './current-builds.ts';
import { readHashKey } from './hash-key.ts';
import { createImageChecks } from './image-checks.ts';
import { createImageMetrics } from './image-metrics.ts';
import type { Answer, ImagePorts } from './image-pass.ts';
import { inputKeys, TOOLKITS } from './input-keys.ts';
import { asksForToolkit, type InputSource, readInputs } from './inputs.ts';
import { type ImageLimits, imageLimits } from './limits.ts';
import { reconcileImage } from './reconcile-image.ts';
import { reportImage, warnOfImage } from './report-image.ts';

export interface ImagesPorts extends OperatorPorts {
  readonly registry: Registry;
  /** Undefined: somebody else builds. */
  readonly builder: Builder | undefined;
  /** Namespace of Secrets, ConfigMaps and the toolkit catalogue; undefined watches all namespaces. */
  readonly inputNamespace?: string;
  /** Namespace of the operator: the hash key and the toolkit catalogue are there. */
  readonly operatorNamespace: string;
  readonly limits?: ImageLimits;
  /** What the nodes run that images are made for. */
  readonly systems: Systems;
}

export interface Images {
  readonly images: Cache<ModuleImage>;
  run(signal: AbortSignal): Promise<void>;
  /** Some cluster cannot pull this image: it is looked for soon. */
  doubt(name: string): void;
  /** The first lists of images and of what they refer to are complete. */
  whenSynced(): Promise<void>;
  /** Kinds of which nothing could be seen for minutes. */
  blind(): readonly string[];
  settled(): boolean;
}

/** Passes under way at once over all registries: most of them wait for an answer. */
const PASSES_MAX = 32;
const FIELD_MANAGER = 'kmm-images';

/** Keys, certificates and logins that a module may name; what else is secret never comes here. */
const NAMEABLE = [
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'helm.sh/release.v1',
]
  .map((type) => `type!=${type}`)
  .join();

/** The controller of ModuleImages: watches them and what they refer to, and makes what is wanted. */
export function createImages(ports: ImagesPorts): Images {
  const { client, clock, random, log, metrics } = ports;
  const shared = { client, clock, random, log, metrics };
  const within = ports.inputNamespace ? { namespace: ports.inputNamespace } : {};
  const images = createCache<ModuleImage>({
    ...shared,
    type: RESOURCES.moduleImage,
    transform: (object) => object as unknown as ModuleImage,
    indexes: { input: inputKeys },
  });
  const secrets = createCache({ ...shared, ...within, type: CORE.secret, fieldSelector: NAMEABLE });
  const configMaps = createCache({ ...shared, ...within, type: CORE.configMap });
  const catalogue = `${ports.operatorNamespace}/${OPERATOR.toolkits}`;
  const limits = ports.limits ?? imageLimits();
  const call = (key: string) => queue.add(key);
  const registries = createTurns({ perGroupMax: limits.perRegistryMax, max: PASSES_MAX, call });
  // Kernels may have images of one tag: two builds of it would push over each other, or one push what the other made.
  const builds = createTurns({ perGroupMax: 1, max: limits.buildsMax, call });
  const checks = createImageChecks(limits.checkMs, clock.elapsed, random);
  const current = createCurrentBuilds((name) => {
    const image = images.get(name);
    const now = new Date(clock.now());
    const inputs = image && readInputs(image.spec, source(image.spec.module.namespace), now);
    return inputs?.ok ? inputs.value.staticHash : undefined;
  });
  const answers = new Map<string, Answer>();
  const measured = createImageMetrics(metrics, clock.elapsed);
  let hashKey: Uint8Array = new Uint8Array();

  const source = (namespace: string): InputSource => ({
    hashKey,
    configMap: (name) =>
      configMaps.get(`${namespace}/${name}`)?.['data'] as Record<string, string> | undefined,
    secret: (name) => decode(secrets.get(`${namespace}/${name}`)),
    toolkits: () => ({
      catalogue: dataOf(configMaps.get(catalogue)),
      stream: stream.current(),
    }),
  });

  /** Of these images an input is another now. */
  const wake = (changed: readonly ModuleImage[]) => {
    for (const { metadata } of changed) {
      current.look(metadata.name);
      queue.add(metadata.name);
    }
  };
  const wakeToolkits = () => {
    const mayAsk = images.by('input', TOOLKITS);
    wake(mayAsk.filter(({ spec }) => asksForToolkit(spec, source(spec.module.namespace))));
  };
  const stream = createToolkitStream({ ...shared, systems: ports.systems, changed: wakeToolkits });

  const queue = createQueue({
    ...shared,
    name: 'images',
    concurrency: PASSES_MAX,
    reconcile: async (key, signal) => {
      const image = images.get(key);
      try {
        if (!image || image.metadata.deletionTimestamp) return undefined;
        // A slow registry holds up no other, and no worker of the queue.
        if (!registries.take(registryOf(image), key)) return undefined;
        return await reconcileImage(image, portsOf(signal), signal);
      } finally {
        registries.leave(key);
        builds.leave(key);
      }
    },
  });

  const portsOf = (signal: AbortSignal): ImagePorts => ({
    registry: ports.registry,
    builder: ports.builder,
    inputs: source,
    takeBuildTurn: (image) => builds.take(tagOf(image), image.metadata.name),
    limits,
    whileCurrent: ({ metadata }, staticHash, task) => current.run(metadata.name, staticHash, task),
    checks,
    answers,
    writeStatus: (target, status) => writeStatus(client, target, status, signal),
    report: (target, outcome) => reportImage(ports, target, outcome),
    warn: (target, condition) => warnOfImage(ports, target, condition),
    metrics: measured,
    nowMs: clock.now,
    after: clock.after,
    random,
  });

  images.onChange(({ key, before, after }) => {
    metricsOf(metrics, before, after);
    if (!after) {
      measured.certificate(key, undefined);
      checks.forget(key);
      answers.delete(key);
    }
    current.look(key);
    // A status that we wrote ourselves asks for no new pass.
    if (
      after &&
      (before?.metadata.generation !== after.metadata.generation ||
        annotations(before) !== annotations(after))
    )
      queue.add(key);
  });
  secrets.onChange(({ key }) => wake(images.by('input', `Secret/${key}`)));
  configMaps.onChange(({ key }) => {
    wake(images.by('input', `ConfigMap/${key}`));
    if (key === catalogue) wakeToolkits();
  });

  const whenSynced = async () => {
    await Promise.all([images.whenSynced(), secrets.whenSynced(), configMaps.whenSynced()]);
  };

  return {
    images,
    whenSynced,
    blind: () => [...blindKinds([images, secrets, configMaps]), ...stream.blind()],
    doubt(name) {
      checks.doubt(name);
      queue.addAfter(name, checks.dueIn(name));
    },
    settled: () => images.synced && secrets.synced && configMaps.synced && queue.idle,
    async run(signal) {
      const watching = [images, secrets, configMaps, stream].map((watched) => watched.run(signal));
      await Promise.race([Promise.all([whenSynced(), stream.whenRead()]), aborted(signal)]);
      if (!signal.aborted)
        hashKey = await readHashKey(client, ports.operatorNamespace, clock, random, log, signal);
      await Promise.all([...watching, queue.run(signal)]);
    },
  };
}

async function writeStatus(
  client: KubeClient,
  image: ModuleImage,
  status: ModuleImageStatus,
  signal: AbortSignal,
): Promise<void> {
  // The count of clusters is somebody else's field; applying it here would take it over.
  const { wantedBy: _, ...own } = status;
  const { apiVersion, kind, metadata } = image;
  const object: KubeObject = { apiVersion, kind, metadata: { name: metadata.name }, status: own };
  await client.apply(
    RESOURCES.moduleImage,
    object,
    { fieldManager: FIELD_MANAGER, force: true, subresource: 'status' },
    signal,
  );
}

function registryOf({ spec }: ModuleImage): string {
  const parsed = parseImageReference(spec.image);
  return parsed.ok ? parsed.value.registry : '';
}

/** However it is written. */
function tagOf({ spec }: ModuleImage): string {
  const parsed = parseImageReference(spec.image);
  return parsed.ok ? formatImageReference({ tag: 'latest', ...parsed.value }) : spec.image;
}

function decode(secret: KubeObject | undefined): Record<string, Uint8Array> | undefined {
  const data = dataOf(secret);
  if (!secret) return undefined;
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]),
  );
}

function dataOf(object: KubeObject | undefined): Record<string, string> | undefined {
  return object?.['data'] as Record<string, string> | undefined;
}

const annotations = (image: ModuleImage | undefined) => JSON.stringify(image?.metadata.annotations ?? {});

function metricsOf(
  metrics: Metrics | undefined,
  before: ModuleImage | undefined,
  after: ModuleImage | undefined,
): void {
  // Counts are kept by the gauge itself: one down, one up.
  const [from, to] = [
    before && (before.status?.state ?? 'Wanted'),
    after && (after.status?.state ?? 'Wanted'),
  ];
  if (from === to) return;
  if (from) metrics?.add('kmm_module_images', { state: from }, -1);
  if (to) metrics?.add('kmm_module_images', { state: to }, 1);
}
