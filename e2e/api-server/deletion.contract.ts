import { describe, expect, it } from 'vitest';
import { CONFIG_MAPS, type Contract, configMap, MERGE, PODS, pod } from './contract.ts';

/** Finalizers, preconditions, dependents, collections and namespaces. */
export function describeDeletion({ send, eventually, create, read, gone, unique }: Contract): void {
  describe('deletion', () => {
    it('waits for finalizers', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const metadata = { name: path.split('/').at(-1), finalizers: ['example.com/hold'] };
      await create(CONFIG_MAPS, configMap(metadata));

      await send('DELETE', path);
      expect((await read(path)).body.metadata.deletionTimestamp).toBeDefined();
      await send('PATCH', path, { metadata: { finalizers: null } }, MERGE);

      expect(await gone(path)).toBe(true);
    });

    it('of a pod on a node tells when its grace period ends, also when that is shortened', async () => {
      const name = unique();
      const bound = pod(name);
      await create(PODS, {
        ...bound,
        metadata: { name, finalizers: ['example.com/hold'] },
        spec: { ...bound.spec, nodeName: 'no-such-node', terminationGracePeriodSeconds: 300 },
      });
      const left = async (body?: object) => {
        await send('DELETE', `${PODS}/${name}`, body);
        const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = (
          await read(`${PODS}/${name}`)
        ).body.metadata;
        const ms = Date.parse(deletionTimestamp ?? '') - Date.parse(creationTimestamp ?? '');
        return [deletionGracePeriodSeconds, Math.round(ms / 100_000) * 100];
      };

      expect(await left()).toEqual([300, 300]);
      expect(await left({ gracePeriodSeconds: 200 })).toEqual([200, 200]);
      expect(await left({ gracePeriodSeconds: 250 })).toEqual([200, 200]);
      expect(await left({ gracePeriodSeconds: 0 })).toEqual([0, 0]);
      await send('PATCH', `${PODS}/${name}`, { metadata: { finalizers: null } }, MERGE);
    });

    it.each([
      ['uid', { uid: '00000000-0000-0000-0000-000000000000' }],
      ['resourceVersion', { resourceVersion: '1' }],
    ])('holds to the %s that it names', async (_what, preconditions) => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      await create(CONFIG_MAPS, configMap({ name: path.split('/').at(-1) }));

      expect((await send('DELETE', path, { preconditions })).status).toBe(409);
      expect(await gone(path)).toBe(false);
    });

    it.each([
      ['Background', true],
      ['Foreground', true],
      ['Orphan', false],
    ])('with policy %s takes dependents along: %s', async (propagationPolicy, isTaken) => {
      const [owner, dependent] = [unique(), unique()];
      const { body } = await create(CONFIG_MAPS, configMap({ name: owner }));
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid: body.metadata.uid };
      const path = `${CONFIG_MAPS}/${dependent}`;
      await create(CONFIG_MAPS, configMap({ name: dependent, ownerReferences: [reference] }));

      await send('DELETE', `${CONFIG_MAPS}/${owner}`, { propagationPolicy });
      await eventually(() => gone(`${CONFIG_MAPS}/${owner}`));

      if (isTaken) await eventually(() => gone(path));
      else expect((await read(path)).body.metadata.ownerReferences ?? []).toEqual([]);
    });

    it('of a collection follows the selector', async () => {
      const label = unique();
      for (const letter of ['a', 'b'])
        await create(CONFIG_MAPS, configMap({ name: `${label}-${letter}`, labels: { [letter]: label } }));

      await send('DELETE', `${CONFIG_MAPS}?labelSelector=a%3D${label}`);

      expect(await gone(`${CONFIG_MAPS}/${label}-a`)).toBe(true);
      expect(await gone(`${CONFIG_MAPS}/${label}-b`)).toBe(false);
    });

    it('of a namespace empties it first and lets nothing new in', async () => {
      const name = unique();
      const path = `/api/v1/namespaces/${name}`;
      const held = configMap({ name: 'held', finalizers: ['example.com/hold'] });
      await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      await create(`${path}/configmaps`, held);

      await send('DELETE', path);
      expect((await read(path)).body['status']).toMatchObject({ phase: 'Terminating' });
      await send('PATCH', path, { metadata: { labels: { a: 'b' } } }, MERGE);
      expect((await create(`${path}/configmaps`, configMap({ name: 'late' }))).status).toBe(403);
      expect(await gone(path)).toBe(false);
      await eventually(async () =>
        Boolean((await read(`${path}/configmaps/held`)).body.metadata.deletionTimestamp),
      );
      await send('PATCH', `${path}/configmaps/held`, { metadata: { finalizers: null } }, MERGE);

      await eventually(() => gone(path));
    });
  });
}
