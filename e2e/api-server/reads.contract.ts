import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { APPLY, CONFIG_MAPS, type Contract, configMap, MERGE, WIDGETS, widget } from './contract.ts';

/** Lists with pages and selectors, and watches. */
export function describeReads({ send, watch, create, read, unique }: Contract): void {
  describe('lists', () => {
    it('come in pages that together are the whole', async () => {
      const label = unique();
      const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `${label}-${letter}`);
      for (const name of names) await create(CONFIG_MAPS, configMap({ name, labels: { set: label } }));

      const seen: string[] = [];
      let token = '';
      do {
        const query = `labelSelector=set%3D${label}&limit=2&continue=${encodeURIComponent(token)}`;
        const { body } = await read(`${CONFIG_MAPS}?${query}`);
        seen.push(...(body['items'] as KubeObject[]).map((item) => item.metadata.name));
        token = (body.metadata as { continue?: string }).continue ?? '';
      } while (token);

      expect(seen).toEqual(names);
    });

    it.each([
      ['labelSelector=tier%3Dfront', ['front']],
      ['labelSelector=tier!%3Dfront,group%3Dselect', ['back', 'none']],
      ['labelSelector=tier%20in%20(front,back)', ['back', 'front']],
      ['labelSelector=tier%20notin%20(front),group%3Dselect', ['back', 'none']],
      ['labelSelector=!tier,group%3Dselect', ['none']],
      ['labelSelector=constructor', []],
      ['fieldSelector=metadata.name%3Dback', ['back']],
    ])('follow %s', async (query, expected) => {
      for (const [name, tier] of [
        ['front', { tier: 'front' }],
        ['back', { tier: 'back' }],
        ['none', {}],
      ] as const)
        await create(CONFIG_MAPS, configMap({ name, labels: { group: 'select', ...tier } }));

      const { body } = await read(`${CONFIG_MAPS}?${query}`);

      expect((body['items'] as KubeObject[]).map((item) => item.metadata.name)).toEqual(expected);
    });

    it.each(['labelSelector=a%3D%3D%3Db%20c', 'fieldSelector=data.a%3Db'])('refuse %s', async (query) => {
      expect((await read(`${CONFIG_MAPS}?${query}`)).status).toBe(400);
    });
  });

  it('of rows carry as much of their objects as was asked for', async () => {
    const label = unique();
    await create(CONFIG_MAPS, configMap({ name: label, labels: { set: label } }));
    const rows = async (included: string) => {
      const query = `labelSelector=set%3D${label}&includeObject=${included}`;
      const { body } = await read(`${CONFIG_MAPS}?${query}`, 'application/json;as=Table;v=v1;g=meta.k8s.io');
      return (body['rows'] as { object?: KubeObject }[]).map(({ object }) => object?.kind);
    };

    expect(await rows('Metadata')).toEqual(['PartialObjectMetadata']);
    expect(await rows('Object')).toEqual(['ConfigMap']);
  });

  describe('for metadata alone', () => {
    const as = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
    const METADATA = as('PartialObjectMetadata');
    const isPartial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' };

    it('get it of one, and of many', async () => {
      const name = unique();
      await create(CONFIG_MAPS, configMap({ name, labels: { set: name } }, { a: '1' }));

      const { body: one } = await read(`${CONFIG_MAPS}/${name}`, METADATA);
      const list = `${CONFIG_MAPS}?labelSelector=set%3D${name}`;
      const { body: all } = await read(list, as('PartialObjectMetadataList'));

      expect(one).toEqual({ ...isPartial, metadata: expect.objectContaining({ name }) });
      expect(all.kind).toBe('PartialObjectMetadataList');
      expect((all['items'] as KubeObject[]).map((item) => Object.keys(item).sort())).toEqual([
        ['apiVersion', 'kind', 'metadata'],
      ]);
      expect((await read(list, METADATA)).status).toBe(406);
    });

    it('get it of what was written', async () => {
      const name = unique();
      const made = await send('POST', WIDGETS, widget({ name }, { size: 1 }), 'application/json', METADATA);
      const applied = widget({ name }, { size: 2 });
      const path = `${WIDGETS}/${name}?fieldManager=one&force=true`;

      const { status, body } = await send('PATCH', path, applied, APPLY, METADATA);

      expect([made.status, status]).toEqual([201, 200]);
      expect(body).toEqual({ ...isPartial, metadata: expect.objectContaining({ name, generation: 2 }) });
      expect((await read(`${WIDGETS}/${name}`)).body['spec']).toMatchObject({ size: 2 });
    });
  });

  it('of a subresource that a kind does not have are not found', async () => {
    const name = unique();
    await create(CONFIG_MAPS, configMap({ name }));

    expect((await read(`${CONFIG_MAPS}/${name}/log`)).status).toBe(404);
  });

  describe('watches', () => {
    const versionNow = async () => (await read(CONFIG_MAPS)).body.metadata.resourceVersion ?? '';

    it('tell each change after their version, in order', async () => {
      const [version, name] = [await versionNow(), unique()];
      await create(CONFIG_MAPS, configMap({ name }));
      await send('PATCH', `${CONFIG_MAPS}/${name}`, { data: { a: '1' } }, MERGE);
      await send('DELETE', `${CONFIG_MAPS}/${name}`);

      const events = await watch(
        `${CONFIG_MAPS}?watch=true&resourceVersion=${version}&fieldSelector=metadata.name%3D${name}`,
        3,
      );

      expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
      const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    });

    it('tell objects that a label brings in or takes out as added and deleted', async () => {
      const [version, name, label] = [await versionNow(), unique(), unique()];
      const path = `${CONFIG_MAPS}/${name}`;
      await create(CONFIG_MAPS, configMap({ name }));
      await send('PATCH', path, { metadata: { labels: { in: label } } }, MERGE);
      await send('PATCH', path, { data: { a: '1' } }, MERGE);
      await send('PATCH', path, { metadata: { labels: { in: null } } }, MERGE);

      const events = await watch(
        `${CONFIG_MAPS}?watch=true&resourceVersion=${version}&labelSelector=in%3D${label}`,
        3,
      );

      expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    });
  });
}
