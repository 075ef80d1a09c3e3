import { describe, expect, it } from 'vitest';
import {
  CONFIG_MAPS,
  type Contract,
  causes,
  configMap,
  JSON_PATCH,
  MERGE,
  PODS,
  pod,
  STRATEGIC,
  WIDGETS,
  widget,
} from './contract.ts';

const FULL = { cpu: '1', memory: '64Mi' };

/** Conflicts, patches of each type, and the status as a half of its own. */
export function describeUpdates({ send, create, read, apply, unique }: Contract): void {
  describe('updates', () => {
    it('with a stale resourceVersion are a conflict, for PUT and for patches that name one', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const { body: first } = await create(CONFIG_MAPS, configMap({ name: path.split('/').at(-1) }));
      await send('PATCH', path, { data: { a: '1' } }, MERGE);

      const { resourceVersion } = first.metadata;
      const put = await send('PUT', path, first);
      const patched = await send('PATCH', path, { metadata: { resourceVersion } }, MERGE);

      for (const answer of [put, patched])
        expect(answer).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    });

    it('that change nothing make no new version', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const { body } = await create(CONFIG_MAPS, configMap({ name: path.split('/').at(-1) }, { a: '1' }));

      const same = await send('PATCH', path, { data: { a: '1' } }, MERGE);

      expect(same.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    });

    it.each([
      ['a merge patch', MERGE, { data: { a: null, c: '3' } }, { b: '2', c: '3' }],
      [
        'a JSON patch',
        JSON_PATCH,
        [
          { op: 'test', path: '/data/a', value: '1' },
          { op: 'remove', path: '/data/a' },
        ],
        { b: '2' },
      ],
      ['a strategic merge patch', STRATEGIC, { data: { a: null } }, { b: '2' }],
    ])('work by %s', async (_what, type, patch, expected) => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      await create(CONFIG_MAPS, configMap({ name: path.split('/').at(-1) }, { a: '1', b: '2' }));

      const { status, body } = await send('PATCH', path, patch, type);

      expect({ status, data: body['data'] }).toEqual({ status: 200, data: expected });
    });

    it.each([
      ['null', MERGE, null],
      ['a text', MERGE, 'x'],
      ['an object as a JSON patch', JSON_PATCH, {}],
      ['a list as a strategic patch', STRATEGIC, []],
    ])('are refused when the patch is %s, and leave the object alone', async (_what, type, patch) => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const { body } = await create(CONFIG_MAPS, configMap({ name: path.split('/').at(-1) }));

      const { status } = await send('PATCH', path, patch, type);

      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect((await read(path)).body).toEqual(body);
    });

    it('of a custom resource by PUT name the version they replace', async () => {
      const name = unique();
      await create(WIDGETS, widget({ name }));

      expect((await send('PUT', `${WIDGETS}/${name}`, widget({ name }))).status).toBe(422);
    });
  });

  describe('status', () => {
    it('is written through its own path only, which writes nothing else', async () => {
      const name = unique();
      await create(WIDGETS, { ...widget({ name }, { size: 1 }), status: { seen: 1 } });
      const path = `${WIDGETS}/${name}`;
      expect((await read(path)).body['status']).toBeUndefined();

      await send('PATCH', path, { status: { seen: 2 } }, MERGE);
      expect((await read(path)).body['status']).toBeUndefined();
      await send('PATCH', `${path}/status`, { spec: { size: 9 }, status: { seen: 3 } }, MERGE);

      expect((await read(path)).body).toMatchObject({ spec: { size: 1 }, status: { seen: 3 } });
    });

    it('of a pod survives writes to the pod', async () => {
      const name = unique();
      await create(PODS, pod(name));
      await send('PATCH', `${PODS}/${name}/status`, { status: { message: 'said' } }, MERGE);

      await send('PATCH', `${PODS}/${name}`, { metadata: { labels: { a: 'b' } } }, MERGE);
      const { body } = await read(`${PODS}/${name}`);
      await send('PUT', `${PODS}/${name}`, { ...body, status: {} });

      expect((await read(`${PODS}/${name}`)).body['status']).toMatchObject({ message: 'said' });
    });

    it.each<[string, object, string]>([
      ['asks for nothing', {}, 'BestEffort'],
      ['may have more than it asks for', { requests: { cpu: '100m' }, limits: FULL }, 'Burstable'],
      ['asks for its limits', { requests: { cpu: '1000m' }, limits: FULL }, 'Guaranteed'],
    ])('of a pod that %s has its class from the start, and for good', async (_what, resources, qosClass) => {
      const name = unique();
      const path = `${PODS}/${name}/status`;
      const made = await create(PODS, pod(name, resources));
      expect(made.body['status']).toMatchObject({ phase: 'Pending', qosClass });

      const other = qosClass === 'Burstable' ? 'BestEffort' : 'Burstable';
      const refused = await send('PATCH', path, { status: { qosClass: other } }, MERGE);
      expect(refused).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      expect(causes(refused)).toMatchObject([{ reason: 'FieldValueInvalid', field: 'status.qosClass' }]);
      expect(refused.body['message']).toBe(
        `Pod "${name}" is invalid: status.qosClass: Invalid value: "${other}": field is immutable`,
      );

      const kept = await send('PATCH', path, { status: { qosClass: null, message: 'said' } }, MERGE);
      expect(kept.body['status']).toMatchObject({ qosClass, message: 'said' });
    });

    it('of a pod that is made by apply begins as that of any other', async () => {
      const name = unique();
      const { body } = await apply(`${PODS}/${name}`, 'one', pod(name));

      expect(body['status']).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
    });

    it('does not count as a new generation; the spec does, metadata does not', async () => {
      const path = `${WIDGETS}/${unique()}`;
      await create(WIDGETS, widget({ name: path.split('/').at(-1) }, { size: 1 }));
      const generation = async () => (await read(path)).body.metadata.generation;

      await send('PATCH', `${path}/status`, { status: { seen: 1 } }, MERGE);
      await send('PATCH', path, { metadata: { labels: { a: 'b' } } }, MERGE);
      expect(await generation()).toBe(1);
      await send('PATCH', path, { spec: { size: 2 } }, MERGE);

      expect(await generation()).toBe(2);
    });
  });
}
