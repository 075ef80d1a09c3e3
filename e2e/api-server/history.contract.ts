import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { CONFIG_MAPS, type Contract, configMap } from './contract.ts';

/** What a server tells of the past: where a watch may go on, and that what it forgot is not to be had. */
export function describeHistory({ watch, create, read, unique, forget, eventually }: Contract): void {
  const versionNow = async () => (await read(CONFIG_MAPS)).body.metadata.resourceVersion ?? '';
  const WATCH = `${CONFIG_MAPS}?watch=true`;

  describe('bookmarks', () => {
    /** A change that a watch of one name does not see, once that watch is open. */
    const elsewhere = async () => {
      let pauses = 0;
      await eventually(async () => (pauses += 1) > 5);
      return (await create(CONFIG_MAPS, configMap({ name: unique() }))).body;
    };
    const watchNothing = async (more: string) => {
      const path = `${WATCH}&fieldSelector=metadata.name%3Dnothing&resourceVersion=${await versionNow()}`;
      return watch(`${path}&timeoutSeconds=5${more}`, 100);
    };

    it('come to who asked, before a watch ends, hold a version and nothing else, and a watch goes on from there', async () => {
      const [events, unasked, changed] = await Promise.all([
        watchNothing('&allowWatchBookmarks=true'),
        watchNothing(''),
        elsewhere(),
      ]);

      expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['BOOKMARK']));
      expect(unasked).toEqual([]);
      const { object } = events[0] as { object: KubeObject };
      expect(object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
      expect(object.metadata.name ?? '').toBe('');
      const at = Number(object.metadata.resourceVersion);
      expect(at).toBeGreaterThanOrEqual(Number(changed.metadata.resourceVersion));
      expect(await watch(`${WATCH}&resourceVersion=${at}&timeoutSeconds=1`, 100)).toEqual([]);
    });

    it('come only with something new', async () => {
      expect(await watchNothing('&allowWatchBookmarks=true')).toEqual([]);
    });
  });

  it('a watch that asks for what there is gets that first, then a bookmark that says so, then what is new', async () => {
    const label = unique();
    const make = async () => create(CONFIG_MAPS, configMap({ name: unique(), labels: { set: label } }));
    const old = [(await make()).body.metadata.name, (await make()).body.metadata.name];
    const asked = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';

    const watched = watch(`${WATCH}&labelSelector=set%3D${label}&${asked}&timeoutSeconds=5`, 4);
    let pauses = 0;
    await eventually(async () => (pauses += 1) > 5);
    const late = (await make()).body.metadata.name;
    const events = (await watched) as { type: string; object: KubeObject }[];

    const added = events.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata.name);
    expect(new Set(added.slice(0, 2))).toEqual(new Set(old));
    expect(added.slice(2)).toEqual([late]);
    expect(events[2]).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });

  describe('when the past is forgotten', () => {
    it('a watch from then on is opened, told that it expired, and ended', async () => {
      const version = await versionNow();
      await create(CONFIG_MAPS, configMap({ name: unique() }));
      await forget();

      let events: Awaited<ReturnType<typeof watch>> = [];
      // A server that was started again answers before its caches are filled.
      await eventually(async () => {
        events = await watch(`${WATCH}&resourceVersion=${version}&timeoutSeconds=2`, 100);
        return events[0]?.type === 'ERROR';
      });

      expect(events).toEqual([
        { type: 'ERROR', object: expect.objectContaining({ kind: 'Status', code: 410, reason: 'Expired' }) },
      ]);
    });

    it('the next page of a list is gone, and the answer has a token for the rest as it is now', async () => {
      const label = unique();
      const name = (letter: string) => `${label}-${letter}`;
      const make = (letter: string) =>
        create(CONFIG_MAPS, configMap({ name: name(letter), labels: { set: label } }));
      const page = (token: string) =>
        read(`${CONFIG_MAPS}?labelSelector=set%3D${label}&limit=1&continue=${encodeURIComponent(token)}`);
      const tokenOf = ({ body }: Awaited<ReturnType<typeof page>>) =>
        (body.metadata as { continue?: string }).continue ?? '';
      for (const letter of ['a', 'b']) await make(letter);
      const first = await page('');
      await make('c');
      await forget();
      await eventually(async () => (await page('')).status === 200);

      const gone = await page(tokenOf(first));

      expect([gone.status, gone.body['reason']]).toEqual([410, 'Expired']);
      const second = await page(tokenOf(gone));
      const third = await page(tokenOf(second));
      const seen = [second, third].flatMap(({ body }) => body['items'] as KubeObject[]);
      expect(seen.map(({ metadata }) => metadata.name)).toEqual([name('b'), name('c')]);
    });
  });
}
