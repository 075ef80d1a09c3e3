import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

/** Ports of this machine behind which kubelets are, by node. */
export type KubeletPorts = ReadonlyMap<string, number>;

export interface NodeTunnel {
  /** What kube-apiserver is given as `--egress-selector-config-file`. */
  readonly config: string;
  stop(): Promise<void>;
}

/**
 * How an API server reaches kubelets of virtual machines, whose addresses nobody else knows: it asks here for each
 * connection into its cluster. Those to anybody else are made as they are asked for.
 */
export async function startNodeTunnel(directory: string, kubelets: KubeletPorts): Promise<NodeTunnel> {
  const socket = join(directory, 'tunnel');
  const config = join(directory, 'egress.json');
  writeFileSync(config, JSON.stringify(egress(socket)));
  const server = createServer();
  const open = new Set<Socket>();
  server.on('connection', (client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
  });
  server.on('connect', (request, client, head) => {
    const [, host = '', asked] = /^\[?(.*?)\]?:(\d+)$/.exec(request.url ?? '') ?? [];
    const port = kubelets.get(host);
    const target = port ? connect(port, '127.0.0.1') : connect(Number(asked), host);
    target.once('connect', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => {});
    client.once('close', () => target.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    config,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const client of open) client.destroy();
      }),
  };
}

const egress = (udsName: string) => ({
  apiVersion: 'apiserver.k8s.io/v1beta1',
  kind: 'EgressSelectorConfiguration',
  egressSelections: [
    { name: 'cluster', connection: { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName } } } },
  ],
});
