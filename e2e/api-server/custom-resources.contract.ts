import { describe, expect, it } from 'vitest';
import { type Contract, causes, MERGE, WIDGETS, widget } from './contract.ts';

/** Pruning, defaults, validation and CEL of custom resources. */
export function describeCustomResources({ send, create, unique }: Contract): void {
  describe('custom resources', () => {
    it('are pruned and get their defaults', async () => {
      const made = await create(WIDGETS, widget({ name: unique() }, { stray: 1 }));

      expect(made.body['spec']).toEqual({ size: 3 });
    });

    it('with a field that is unknown are refused when the client is strict', async () => {
      const body = widget({ name: unique() }, { stray: 1 });

      const made = await create(`${WIDGETS}?fieldValidation=Strict`, body);

      expect(made.status).toBe(400);
      expect(made.body['message']).toContain('unknown field "spec.stray"');
    });

    it('with a field that is unknown can be freed of it, however strict the client is', async () => {
      const name = unique();
      await create(WIDGETS, widget({ name }, { size: 1 }));
      const strict = `${WIDGETS}/${name}?fieldValidation=Strict`;

      expect((await send('PATCH', strict, { spec: { stray: null } }, MERGE)).status).toBe(200);
      expect((await send('PATCH', strict, { spec: { stray: 1 } }, MERGE)).status).toBe(422);
    });

    it('that are refused are named in the refusal', async () => {
      const name = unique();
      const made = await create(WIDGETS, widget({ name }, { size: -1 }));

      expect(made.body['details']).toMatchObject({ name, kind: 'Widget' });
    });

    it.each([
      ['spec.size', { size: -1 }, 'should be greater than or equal to 0'],
      ['spec.size', { size: 'x' }, 'must be of type integer'],
      ['spec.colour', { colour: 'pink' }, 'supported values: "red", "blue"'],
      ['spec.code', { code: 'UP' }, "should match '^[a-z]+$'"],
      ['spec.tags', { tags: { a: '1', b: '2', c: '3' } }, 'Too many: 3'],
      ['spec.parts[1]', { parts: [{ name: 'a' }, { name: 'a' }] }, 'Duplicate value'],
      ['spec.parts[0].name', { parts: [{}] }, 'Required value'],
      ['spec', { size: 1, limit: 0 }, 'size is above the limit'],
    ])('with a wrong %s (%j) are refused by field', async (field, spec, words) => {
      const made = await create(WIDGETS, widget({ name: unique() }, spec));

      expect(made).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      expect(made.body['message']).toContain(words);
      expect(causes(made).map((cause) => cause.field)).toContain(field);
    });

    it('hold rules about a change when they are changed, not when they are made', async () => {
      const path = `${WIDGETS}/${unique()}`;
      const made = await create(WIDGETS, widget({ name: path.split('/').at(-1) }, { fixed: 'a' }));
      expect(made.status).toBe(201);

      const other = await send('PATCH', path, { spec: { size: 4 } }, MERGE);
      const changed = await send('PATCH', path, { spec: { fixed: 'b' } }, MERGE);

      expect([other.status, changed.status]).toEqual([200, 422]);
      expect(changed.body['message']).toContain('fixed cannot be changed');
    });

    it('are matched in linear time, whatever the pattern', async () => {
      const started = performance.now();

      const made = await create(WIDGETS, widget({ name: unique() }, { pattern: '^(a+)+$' }));

      expect(made.status).toBe(422);
      expect(performance.now() - started).toBeLessThan(2_000);
    });
  });
}
