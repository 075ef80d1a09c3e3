import { LABELS } from '@kmm-fleet/api';
import { CORE, type KubeClient, type KubeObject, type Transport } from '@kmm-fleet/runtime';

/** Text of a container's log, by `namespace/pod/container`, with `/previous` for the one before. */
export type Logs = Readonly<Record<string, string>>;

/** Nodes of the lab keep no output: this answers for them. */
export function withLogs(inner: Transport, logs: Logs): Transport {
  return {
    close: () => inner.close(),
    request: async (request, signal) => {
      const url = new URL(request.path, 'http://api');
      const match = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log$/.exec(url.pathname);
      if (!match) return inner.request(request, signal);
      const previous = url.searchParams.has('previous') ? '/previous' : '';
      const text = logs[`${match[1]}/${match[2]}/${url.searchParams.get('container')}${previous}`];
      const body = text ?? JSON.stringify({ kind: 'Status', message: 'no such container' });
      return { status: text === undefined ? 404 : 200, headers: {}, body: chunks(body) };
    },
  };
}

/** In pieces that end anywhere, as sockets bring them. */
async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.byteLength; at += 1_000) yield bytes.subarray(at, at + 1_000);
}

export const apply = (client: KubeClient, type: Parameters<KubeClient['apply']>[0], object: KubeObject) =>
  client.apply(type, object, { fieldManager: 'test', force: true });

/** A pod with its status, of an operator or of a module. */
export async function putPod(
  client: KubeClient,
  namespace: string,
  name: string,
  options: {
    readonly spec?: object;
    readonly restarts?: number;
    readonly ready?: boolean;
    readonly module?: string;
    readonly kernel?: string;
    readonly state?: object;
    readonly ended?: object;
    readonly annotations?: Record<string, string>;
  } = {},
): Promise<void> {
  const { spec = {}, restarts = 0, ready = true, module, kernel, state = { running: {} }, ended } = options;
  const labels = {
    ...(module && { [LABELS.moduleName]: module }),
    ...(kernel && { [LABELS.kernelVersion]: kernel }),
  };
  const metadata = {
    namespace,
    name,
    labels,
    ...(options.annotations && { annotations: options.annotations }),
  };
  const containers = [{ name: 'manager', image: 'registry.example/kmm:1', ...spec }];
  await apply(client, CORE.pod, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } });
  const status = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [
      {
        name: 'manager',
        image: 'registry.example/kmm:1',
        restartCount: restarts,
        state,
        ...(ended && { lastState: { terminated: ended } }),
      },
    ],
  };
  await client.mergePatch(CORE.pod, { namespace, name }, { status }, { subresource: 'status' });
}

export const putSecret = (
  client: KubeClient,
  namespace: string,
  name: string,
  data: Record<string, string>,
) =>
  apply(client, CORE.secret, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  });

export const putConfigMap = (
  client: KubeClient,
  namespace: string,
  name: string,
  data: Record<string, string>,
) =>
  apply(client, CORE.configMap, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
