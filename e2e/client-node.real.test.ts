import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiServer, findProgram, makeServerCertificates } from '@kmm-fleet/lab';
import {
  CORE,
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const hasOpenssl = findProgram('openssl') !== undefined;
const TOKEN = 'oracle';

// A client that we did not write, over TLS, beside ours: both must see the same.
describe.skipIf(!hasOpenssl)(
  `a second client${hasOpenssl ? '' : ' (skipped: openssl is not installed)'}`,
  () => {
    let listening: { url: string; close(): Promise<void> };
    let theirs: KubeConfig;
    let ours: ReturnType<typeof createKubeClient>;

    beforeAll(async () => {
      const { ca, server: files } = await makeServerCertificates(mkdtempSync(join(tmpdir(), 'kmm-oracle-')));
      const server = createApiServer({ clock, random, name: 'oracle' });
      const tls = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
      listening = await server.listen({ tls, token: TOKEN });
      theirs = new KubeConfig();
      theirs.loadFromOptions({
        clusters: [{ name: 'c', server: listening.url, caFile: ca }],
        users: [{ name: 'u', token: TOKEN }],
        contexts: [{ name: 'c', cluster: 'c', user: 'u' }],
        currentContext: 'c',
      });
      const transport = createHttpTransport({
        server: listening.url,
        ca: readFileSync(ca, 'utf8'),
        token: () => TOKEN,
      });
      ours = createKubeClient({ transport, clock, random, userAgent: 'ours' });
    });
    afterAll(() => listening.close());

    it('reads what ours wrote, and ours reads what it wrote', async () => {
      const core = theirs.makeApiClient(CoreV1Api);
      await ours.apply(
        CORE.configMap,
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { namespace: 'default', name: 'a' },
          data: { x: '1' },
        },
        { fieldManager: 'ours' },
      );

      expect((await core.readNamespacedConfigMap({ namespace: 'default', name: 'a' })).data).toEqual({
        x: '1',
      });
      await core.createNamespacedConfigMap({
        namespace: 'default',
        body: { metadata: { name: 'b' }, data: { y: '2' } },
      });
      expect((await ours.get(CORE.configMap, { namespace: 'default', name: 'b' }))?.['data']).toEqual({
        y: '2',
      });
      const names = (await core.listNamespacedConfigMap({ namespace: 'default' })).items.map(
        ({ metadata }) => metadata?.name,
      );
      expect(names).toEqual(['a', 'b']);
    });

    it('watches what ours changes', async () => {
      const seen = new Promise<string>((resolve, reject) => {
        const watched = (_type: string, object: { metadata: { name: string } }) =>
          resolve(object.metadata.name);
        new Watch(theirs)
          .watch(
            '/api/v1/namespaces/default/configmaps',
            { fieldSelector: 'metadata.name=w' },
            watched,
            reject,
          )
          .catch(reject);
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await ours.create(CORE.configMap, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'default', name: 'w' },
      });

      expect(await seen).toBe('w');
    });
  },
);
