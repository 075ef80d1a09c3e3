import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createApiServer, findProgram, referenceFolder } from '@kmm-fleet/lab';
import { createRandom, type KubeObject, systemClock } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const execute = promisify(execFile);

/** Debian's kubectl, the one on the PATH, and the newest `kubectl.<version>` that stands beside it. */
const programs = (() => {
  const debian = join(referenceFolder('kubectl'), 'usr', 'bin', 'kubectl');
  const onPath = findProgram('kubectl');
  const folder = onPath && dirname(realpathSync(onPath));
  const beside = folder ? readdirSync(folder).filter((name) => /^kubectl\.1\.\d+$/.test(name)) : [];
  const newest = beside.toSorted((a, b) => Number(a.slice(10)) - Number(b.slice(10))).at(-1);
  const all = [debian, onPath, folder && newest && join(folder, newest)];
  return all.filter((path) => path !== undefined && existsSync(path)) as string[];
})();

const CRD: KubeObject = {
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

describe.skipIf(programs.length === 0)('kubectl (skipped where it is not installed)', () => {
  describe.each(programs.length > 0 ? programs : ['kubectl'])('%s', (program) => {
    const folder = mkdtempSync(join(tmpdir(), 'kmm-kubectl-'));
    const server = createApiServer({
      clock: systemClock,
      random: createRandom(1),
      name: 'kubectl',
      objects: [CRD],
    });
    let close = async () => {};
    const kubectl = async (...args: string[]) => {
      const config = ['--kubeconfig', join(folder, 'config'), '--cache-dir', join(folder, 'cache')];
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
      const listening = await server.listen();
      close = listening.close;
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'lab', cluster: { server: listening.url } }],
        contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
        users: [{ name: 'lab', user: {} }],
        'current-context': 'lab',
      };
      writeFileSync(join(folder, 'config'), JSON.stringify(config));
    });
    afterAll(async () => {
      await close();
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

      expect(await kubectl('get', 'widgets', 'three')).toMatch(/^NAME +SIZE +AGE\nthree +3 +\d+s\n$/);
      expect(await kubectl('get', 'widgets', 'three', '-o', 'wide')).toMatch(
        /NAME +SIZE +NOTE +AGE\nthree +3 +wide/,
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
      expect(await kubectl('version')).toContain('v1.31.0+kmm-lab');
      expect(await kubectl('auth', 'can-i', 'get', 'pods')).toContain('yes');
    });

    it('leaves dependents when it is told to, and everything on a dry run', async () => {
      const version = await kubectl('version', '--client', ...(program.includes('1.20') ? ['--short'] : []));
      await kubectl('create', 'configmap', 'owner');
      const uid = await kubectl('get', 'configmap', 'owner', '-o', 'jsonpath={.metadata.uid}');
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
      const dependent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned', ownerReferences } };
      await kubectl('create', '-f', file(dependent));

      // Older clients ask OpenAPI 2 for the right to a dry run, which the lab does not describe.
      if (isAtLeast(27, version)) await kubectl('delete', 'configmap', 'owner', '--dry-run=server');
      expect(await kubectl('get', 'configmap', 'owner', '-o', 'name')).toContain('owner');
      await kubectl('delete', 'configmap', 'owner', '--cascade=orphan');

      expect(await kubectl('get', 'configmap', 'owned', '-o', 'name')).toContain('owned');
    });
  });
});
