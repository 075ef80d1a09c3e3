import { describe, expect, it } from 'vitest';
import {
  APPLY,
  CONFIG_MAPS,
  type Contract,
  causes,
  configMap,
  managersOf,
  WIDGETS,
  widget,
} from './contract.ts';

/** Server-side apply: ownership, conflicts, and what goes when nobody says it any more. */
export function describeApply({ send, apply, unique }: Contract): void {
  describe('server-side apply', () => {
    it('creates, and then says nothing new when nothing is new', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const object = configMap({ name: path.split('/').at(-1) }, { a: '1' });

      const first = await apply(path, 'one', object);
      const second = await apply(path, 'one', object);

      expect([first.status, second.status]).toEqual([201, 200]);
      expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    });

    it('removes what its manager no longer says, and only that', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const name = path.split('/').at(-1);
      await apply(path, 'one', configMap({ name }, { a: '1', b: '1' }));
      await apply(path, 'two', configMap({ name }, { b: '1', c: '1' }));

      const { body } = await apply(path, 'one', configMap({ name }, { a: '1' }));

      expect(body['data']).toEqual({ a: '1', b: '1', c: '1' });
      expect((await apply(path, 'two', configMap({ name }, { c: '1' }))).body['data']).toEqual({
        a: '1',
        c: '1',
      });
    });

    it('names the manager and the field of a conflict, and takes the field by force', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;
      const name = path.split('/').at(-1);
      await apply(path, 'one', configMap({ name }, { a: '1' }));

      const refused = await apply(path, 'two', configMap({ name }, { a: '2' }));
      expect(refused).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
      expect(refused.body['message']).toContain('conflict with "one"');
      expect(causes(refused)).toMatchObject([{ reason: 'FieldManagerConflict', field: '.data.a' }]);
      const forced = await apply(path, 'two', configMap({ name }, { a: '2' }), '&force=true');

      expect(forced.body['data']).toEqual({ a: '2' });
      expect(managersOf(forced.body)).toEqual(['two']);
    });

    it('merges lists of type map by their key and sets by value', async () => {
      const path = `${WIDGETS}/${unique()}`;
      const name = path.split('/').at(-1);
      await apply(path, 'one', widget({ name }, { parts: [{ name: 'a', weight: 1 }], marks: ['x'] }));

      const { body } = await apply(path, 'two', widget({ name }, { parts: [{ name: 'b' }], marks: ['y'] }));

      expect(body['spec']).toMatchObject({
        parts: [{ name: 'a', weight: 1 }, { name: 'b' }],
        marks: ['x', 'y'],
      });
    });

    it('removes an item of such a list whole when its manager no longer says it', async () => {
      const path = `${WIDGETS}/${unique()}`;
      const name = path.split('/').at(-1);
      const parts = [
        { name: 'a', weight: 1 },
        { name: 'b', weight: 2 },
      ];
      await apply(path, 'one', widget({ name }, { parts }));

      const { status, body } = await apply(
        path,
        'one',
        widget({ name }, { parts: [{ name: 'b', weight: 2 }] }),
      );

      expect(status).toBe(200);
      expect(body['spec']).toMatchObject({ parts: [{ name: 'b', weight: 2 }] });
    });

    it('keeps managers of the status apart from those of the rest', async () => {
      const path = `${WIDGETS}/${unique()}`;
      const name = path.split('/').at(-1);
      await apply(path, 'one', widget({ name }, { size: 1 }));

      const said = { ...widget({ name }), status: { seen: 1 } };
      const { body } = await apply(`${path}/status`, 'one', said);

      expect(body).toMatchObject({ spec: { size: 1 }, status: { seen: 1 } });
      expect(managersOf(body)).toEqual(['one', 'one']);
    });

    it('needs the name of a manager', async () => {
      const path = `${CONFIG_MAPS}/${unique()}`;

      expect((await send('PATCH', path, configMap({}), APPLY)).status).toBeGreaterThanOrEqual(400);
    });
  });
}
