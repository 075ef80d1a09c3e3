import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createApiServer } from '@kmm-fleet/lab';
import { createRandom, type KubeObject, systemClock, type Transport } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const execute = promisify(execFile);

/** An API server. */
export interface KubectlServer {
  readonly kubeconfig: string;
  readonly transport: Transport;
  /** What it calls itself. */
  readonly version: string;
  readonly hasOpenApi2: boolean;
  close(): Promise<void>;
}

const WIDGETS: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wi'], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Note', type: 'string', jsonPath: '.spec.note', priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                description: 'What the widget is to be.',
                properties: { size: { type: 'integer', default: 1, minimum: 0 }, note: { type: 'string' } },
              },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
};

/** The lab's API server. */
export async function labForKubectl(): Promise<KubectlServer> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-kubectl-lab-'));
  const server = createApiServer({
    clock: systemClock,
    random: createRandom(1),
    name: 'kubectl',
    objects: [],
  });
  const { url, close } = await server.listen();
  const kubeconfig = join(folder, 'config');
  const named = { name: 'lab', cluster: { server: url }, context: { cluster: 'lab' } };
  writeFileSync(
    kubeconfig,
    JSON.stringify({ clusters: [named], contexts: [named], 'current-context': 'lab' }),
  );
  return {
    ...{ kubeconfig, transport: server.transport, version: 'v1.31.0+kmm-lab', hasOpenApi2: false },
    async close() {
      await close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** What people type works, with any kubectl, on any API server that this project is held to. */
export function describeKubectl(title: string, program: string, start: () => Promise<KubectlServer>): void {
  describe(`${title}:`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kmm-kubectl-'));
    let server: KubectlServer;
    const kubectl = async (...args: string[]) => {
      const config = ['--kubeconfig', server.kubeconfig, '--cache-dir', join(folder, 'cache')];
      const { stdout } = await execute(program, [...args, ...config], { timeout: 30_000 });
      return stdout;
    };
    const file = (object: object) => {
      const path = join(folder, 'object.json');
      writeFileSync(path, JSON.stringify(object));
      return path;
    };
    const widget = (name: string, spec: object) => ({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name, namespace: 'default' },
      spec,
    });
    const isAtLeast = (minor: number, version: string) => Number(/v1\.(\d+)/.exec(version)?.[1]) >= minor;

    beforeAll(async () => {
      server = await start();
      await kubectl('create', '-f', file(WIDGETS));
      await kubectl('wait', 'crd/widgets.example.com', '--for=condition=Established', '--timeout=30s');
    });
    afterAll(async () => {
      await server?.close();
      rmSync(folder, { recursive: true });
    });

    it('applies, changes and deletes', async () => {
      await kubectl('apply', '-f', file(widget('one', { size: 1, note: 'a' })));
      expect(await kubectl('apply', '-f', file(widget('one', { size: 2 })))).toContain('configured');
      expect(await kubectl('get', 'wi', 'one', '-o', 'jsonpath={.spec}')).toBe('{"size":2}');
      expect(await kubectl('apply', '-f', file(widget('one', { size: 2 })))).toContain('unchanged');

      await kubectl('delete', 'wi', 'one');

      await expect(kubectl('get', 'wi', 'one')).rejects.toThrow('NotFound');
    });

    it('applies on the server’s side and hears of conflicts', async () => {
      await kubectl('apply', '--server-side', '-f', file(widget('two', { size: 1 })));
      const other = [
        'apply',
        '--server-side',
        '--field-manager=other',
        '-f',
        file(widget('two', { size: 2 })),
      ];

      await expect(kubectl(...other)).rejects.toThrow('conflict with "kubectl"');
      await kubectl(...other, '--force-conflicts');

      expect(await kubectl('get', 'wi', 'two', '-o', 'jsonpath={.spec.size}')).toBe('2');
    });

    it('is told why an object is refused', async () => {
      await expect(kubectl('apply', '-f', file(widget('bad', { size: -1 })))).rejects.toThrow(
        'spec.size: Invalid value',
      );
    });

    it('labels, annotates and patches built-in kinds', async () => {
      await kubectl('create', 'configmap', 'map', '--from-literal=a=1');

      await kubectl('label', 'configmap', 'map', 'x=y');
      await kubectl('annotate', 'configmap', 'map', 'n=m');
      await kubectl('patch', 'configmap', 'map', '-p', '{"data":{"a":null,"b":"2"}}');

      const object = JSON.parse(await kubectl('get', 'configmap', 'map', '-o', 'json'));
      expect(object).toMatchObject({
        metadata: { labels: { x: 'y' }, annotations: { n: 'm' } },
        data: { b: '2' },
      });
    });

    it('prints tables with the columns of the kind', async () => {
      await kubectl('apply', '-f', file(widget('three', { size: 3, note: 'wide' })));

      expect(await kubectl('get', 'widgets', 'three')).toMatch(/^NAME +SIZE\nthree +3\n$/);
      expect(await kubectl('get', 'widgets', 'three', '-o', 'wide')).toMatch(
        /NAME +SIZE +NOTE\nthree +3 +wide/,
      );
      expect(await kubectl('create', 'secret', 'generic', 'key', '--from-literal=a=b')).toContain('created');
      expect(await kubectl('get', 'secrets')).toMatch(/key +Opaque/);
      expect(await kubectl('get', 'namespaces')).toMatch(/default +Active/);
    });

    it('finds the kinds of a category', async () => {
      await kubectl('run', 'lonely', '--image=example.com/image', '--restart=Never');

      expect(await kubectl('get', 'all', '-o', 'name')).toContain('pod/lonely');
      expect(await kubectl('get', 'pods')).toContain('Pending');
    });

    it('waits for a condition and for an end', async () => {
      await kubectl('apply', '-f', file(widget('four', {})));
      const waiting = kubectl('wait', 'widget/four', '--for=condition=Ready', '--timeout=20s');
      const status = { conditions: [{ type: 'Ready', status: 'True' }] };
      const path = '/apis/example.com/v1/namespaces/default/widgets/four/status';
      await server.transport.request({
        method: 'PATCH',
        path,
        headers: { 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify({ status }),
      });

      expect(await waiting).toContain('condition met');
      expect(await kubectl('delete', 'widget', 'four', '--wait')).toContain('deleted');
    });

    it('describes and knows versions', async () => {
      await kubectl('apply', '-f', file(widget('five', { note: 'described' })));

      expect(await kubectl('describe', 'widget', 'five')).toMatch(/Note: +described/);
      expect(await kubectl('version')).toContain(server.version);
      expect(await kubectl('auth', 'can-i', 'get', 'pods')).toContain('yes');
    });

    it('leaves dependents when it is told to, and everything on a dry run', async () => {
      const version = await kubectl('version', '--client');
      await kubectl('create', 'configmap', 'owner');
      const uid = await kubectl('get', 'configmap', 'owner', '-o', 'jsonpath={.metadata.uid}');
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
      const dependent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned', ownerReferences } };
      await kubectl('create', '-f', file(dependent));

      // Older clients ask OpenAPI 2 for the right to a dry run, which the lab does not describe.
      if (server.hasOpenApi2 || isAtLeast(27, version))
        await kubectl('delete', 'configmap', 'owner', '--dry-run=server');
      expect(await kubectl('get', 'configmap', 'owner', '-o', 'name')).toContain('owner');
      await kubectl('delete', 'configmap', 'owner', '--cascade=orphan');

      expect(await kubectl('get', 'configmap', 'owned', '-o', 'name')).toContain('owned');
    });
  });
}
