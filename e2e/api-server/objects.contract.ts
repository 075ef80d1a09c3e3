import { describe, expect, it } from 'vitest';
import {
  CONFIG_MAPS,
  type Contract,
  configMap,
  GROUP,
  MERGE,
  PODS,
  pod,
  resourceNames,
  SPACE,
} from './contract.ts';

/** Identity, names, dry runs, and what clients find. */
export function describeObjects({ send, create, read, gone, unique }: Contract): void {
  describe('objects', () => {
    it('get an identity when they are created, and exist once', async () => {
      const metadata = { name: unique() };

      const made = await create(CONFIG_MAPS, configMap(metadata, { a: '1' }));

      expect(made.status).toBe(201);
      expect(made.body.metadata).toMatchObject({ ...metadata, namespace: SPACE });
      expect(made.body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(made.body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const again = await create(CONFIG_MAPS, configMap(metadata));
      expect(again).toMatchObject({ status: 409, body: { kind: 'Status', reason: 'AlreadyExists' } });
    });

    it('that are pods need the service account that they name', async () => {
      const { metadata, spec } = pod(unique()) as { metadata: { name: string }; spec: object };
      const stranger = { ...spec, serviceAccountName: 'nobody' };

      const refused = await create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec: stranger });

      expect(refused).toMatchObject({ status: 403, body: { reason: 'Forbidden' } });
      expect(refused.body['message']).toBe(
        `pods "${metadata.name}" is forbidden: error looking up service account ${SPACE}/nobody: serviceaccount "nobody" not found`,
      );
    });

    it('are named by the server when they ask for it', async () => {
      const made = await create(CONFIG_MAPS, configMap({ generateName: 'some-' }));

      expect(made.body.metadata.name).toMatch(/^some-[a-z0-9]{5}$/);
    });

    it.each(['Upper', 'under_score', '-dash', ''])('are refused under the name "%s"', async (bad) => {
      expect((await create(CONFIG_MAPS, configMap({ name: bad }))).status).toBe(422);
    });

    it.each([
      ['metadata that is a text', { ...configMap({}), metadata: 'x' }],
      ['a label that is a number', configMap({ name: 'wrong', labels: { a: 1 } })],
      ['another kind', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'wrong' } }],
    ])('are refused with %s', async (_what, body) => {
      expect((await create(CONFIG_MAPS, body)).status).toBe(400);
    });

    it('need their namespace', async () => {
      const made = await create('/api/v1/namespaces/nowhere/configmaps', configMap({ name: unique() }));

      expect(made).toMatchObject({ status: 404, body: { reason: 'NotFound' } });
    });

    it('answer 404 with a Status when they are not there', async () => {
      expect(await read(`${CONFIG_MAPS}/nothing`)).toMatchObject({
        status: 404,
        body: { kind: 'Status', reason: 'NotFound', message: 'configmaps "nothing" not found' },
      });
    });

    it('are not touched by a dry run, whatever the verb', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const metadata = { name: path.split('/').at(-1) };
      expect((await create(`${CONFIG_MAPS}?dryRun=All`, configMap(metadata))).status).toBe(201);
      expect(await gone(path)).toBe(true);
      const { body: live } = await create(CONFIG_MAPS, configMap(metadata, { a: '1' }));

      await send('PATCH', `${path}?dryRun=All`, { data: { a: '2' } }, MERGE);
      await send('PUT', `${path}?dryRun=All`, { ...live, data: {} });
      await send('DELETE', `${path}?dryRun=All`);

      expect((await read(path)).body).toEqual(live);
    });
  });

  describe('clients', () => {
    it.each(['/healthz', '/livez', '/readyz'])('find %s', async (path) => {
      expect((await read(path)).status).toBe(200);
    });

    it('find the kinds, custom ones too', async () => {
      const core = await read('/api/v1');
      const custom = await read(`/apis/${GROUP}/v1`);

      expect(resourceNames(core)).toEqual(expect.arrayContaining(['configmaps', 'pods', 'pods/status']));
      expect(resourceNames(custom)).toEqual(expect.arrayContaining(['widgets', 'widgets/status']));
      expect((await read('/version')).body).toHaveProperty('gitVersion');
    });

    it('get 404 for a kind that is unknown', async () => {
      expect((await read(`/apis/${GROUP}/v1/namespaces/${SPACE}/nothings`)).status).toBe(404);
    });
  });
}
