import { RESOURCES } from '@kmm-fleet/api';
import { CORE, listAll } from '@kmm-fleet/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  configMap,
  startWorks,
  type WorkAgentUnderTest,
  type WorkStatus,
  type Works,
} from './work-agent/works.ts';

/** What a hub and a user may count on of a work agent, whoever wrote it. */
export function describeWorkAgent(name: string, start: () => Promise<WorkAgentUnderTest>): void {
  describe(`${name} keeps the contract of a work agent:`, () => {
    let world: Works;
    beforeAll(async () => {
      world = startWorks(await start());
    });
    afterEach(() => world.clear());
    afterAll(() => world?.stop());

    const told = (status: WorkStatus) =>
      (status.conditions ?? []).map(({ type, status: value, reason }) => `${type}=${value} ${reason}`);
    const toldOf = (status: WorkStatus, ordinal: number) =>
      (status.resourceStatus?.manifests?.[ordinal]?.conditions ?? []).map(
        ({ type, status: value, reason }) => `${type}=${value} ${reason}`,
      );
    /** An agent may need a second try, which comes by itself. */
    const complete = (name: string) =>
      world.until(`${name} to be complete`, async () => {
        const status = await world.applied(name);
        return told(status).includes('Applied=True AppliedManifestWorkComplete') && status;
      });
    const patchMap = (name: string, patch: object) =>
      world.spoke.mergePatch(CORE.configMap, { namespace: 'default', name }, patch, {});
    const configFor = (name: string, rest: object, resource = 'configmaps') => ({
      manifestConfigs: [{ resourceIdentifier: { resource, name, namespace: 'default' }, ...rest }],
    });
    const deleteWork = (name: string) =>
      world.hub.delete(RESOURCES.manifestWork, { namespace: world.cluster, name });
    /** What the agent keeps of a work on the cluster. */
    const keptOf = async (work: string) => {
      const all = await listAll(world.spoke, RESOURCES.appliedManifestWork);
      const kept = all.find(
        ({ spec }) => (spec as { manifestWorkName?: string } | undefined)?.manifestWorkName === work,
      );
      const status = kept?.['status'] as { appliedResources?: { name: string }[] } | undefined;
      return kept && (status?.appliedResources ?? []);
    };

    it('applies a work behind its finalizer, with an owner, and tells of it in words that hubs read', async () => {
      await world.put('one', [configMap('a', { key: 'value' })]);
      const status = await world.until('availability', async () => {
        const now = await world.status('one');
        return (now.conditions?.length ?? 0) === 2 && now;
      });

      expect(told(status).sort()).toEqual([
        'Applied=True AppliedManifestWorkComplete',
        'Available=True ResourcesAvailable',
      ]);
      expect(toldOf(status, 0).sort()).toEqual([
        'Applied=True AppliedManifestComplete',
        'Available=True ResourceAvailable',
        'StatusFeedbackSynced=True NoStatusFeedbackSynced',
      ]);
      const [{ resourceMeta } = { resourceMeta: undefined }] = status.resourceStatus?.manifests ?? [];
      expect(resourceMeta).toEqual({
        ordinal: 0,
        group: '',
        version: 'v1',
        kind: 'ConfigMap',
        resource: 'configmaps',
        name: 'a',
        namespace: 'default',
      });
      expect((await world.work('one'))?.metadata.finalizers).toEqual([
        'cluster.open-cluster-management.io/manifest-work-cleanup',
      ]);
      const [owner] = (await world.configMap('a'))?.metadata.ownerReferences ?? [];
      expect(owner).toMatchObject({ kind: 'AppliedManifestWork' });
      await world.until('the list of what was applied', async () => (await keptOf('one'))?.[0]?.name === 'a');
    });

    it('applies a work whole, wherever in it is what others live in', async () => {
      const inside = { ...configMap('a'), metadata: { name: 'a', namespace: 'later' } };
      await world.put('one', [inside, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'later' } }]);
      const status = await complete('one');
      expect(status.resourceStatus?.manifests?.map(({ resourceMeta }) => resourceMeta.kind)).toEqual([
        'ConfigMap',
        'Namespace',
      ]);
    });

    it('says which manifest it cannot apply, applies the others, and tries again when its kind comes', async () => {
      const strange = { apiVersion: 'example.com/v1', kind: 'Strange', metadata: { name: 's' } };
      await world.put('one', [strange, configMap('a')]);
      const status = await world.applied('one');
      expect(told(status)).toContain('Applied=False AppliedManifestWorkFailed');
      expect(toldOf(status, 0)).toContain('Applied=False AppliedManifestFailed');
      expect(status.resourceStatus?.manifests?.[0]?.conditions[0]?.message).toContain(
        `the server doesn't have a resource type "Strange"`,
      );
      expect(toldOf(status, 1)).toContain('Applied=True AppliedManifestComplete');
      expect(await world.configMap('a')).toBeDefined();

      const names = { kind: 'Strange', listKind: 'StrangeList', plural: 'stranges', singular: 'strange' };
      const schema = { openAPIV3Schema: { type: 'object' } };
      await world.spoke.create(CORE.customResourceDefinition, {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'stranges.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Cluster',
          names,
          versions: [{ name: 'v1', served: true, storage: true, schema }],
        },
      });
      await complete('one');
    });

    describe('strategy', () => {
      it('Update writes a changed manifest at once, and the new generation is observed', async () => {
        await world.put('one', [configMap('a', { key: '1' })]);
        await world.applied('one');
        await world.put('one', [configMap('a', { key: '2' })]);
        const status = await world.applied('one');
        expect((await world.configMap('a'))?.['data']).toEqual({ key: '2' });
        const [manifest] = status.resourceStatus?.manifests ?? [];
        expect(manifest?.conditions.find(({ type }) => type === 'Applied')?.observedGeneration).toBe(2);
      });

      it('CreateOnly never changes what is there', async () => {
        const spec = configFor('a', { updateStrategy: { type: 'CreateOnly' } });
        await world.put('one', [configMap('a', { key: '1' })], spec);
        await world.applied('one');
        await world.put('one', [configMap('a', { key: '2' })], spec);
        await world.applied('one');
        expect((await world.configMap('a'))?.['data']).toEqual({ key: '1' });
      });

      it('ServerSideApply leaves fields of others alone, and takes back its own', async () => {
        const spec = configFor('a', { updateStrategy: { type: 'ServerSideApply' } });
        await world.put('one', [configMap('a', { mine: '1', gone: '1' })], spec);
        await world.applied('one');
        await patchMap('a', { data: { theirs: '1' } });
        await world.put('one', [configMap('a', { mine: '2' })], spec);
        await world.applied('one');
        expect((await world.configMap('a'))?.['data']).toEqual({ mine: '2', theirs: '1' });
        expect((await world.configMap('a'))?.metadata.ownerReferences).toHaveLength(1);
      });

      it('ServerSideApply reports a conflict, and with force wins it', async () => {
        const foreign = { fieldManager: 'somebody' };
        await world.spoke.apply(CORE.configMap, configMap('a', { key: 'theirs' }), foreign);
        const type = 'ServerSideApply';
        await world.put(
          'one',
          [configMap('a', { key: 'mine' })],
          configFor('a', { updateStrategy: { type } }),
        );
        const status = await world.applied('one');
        expect(toldOf(status, 0)[0]).toBe('Applied=False AppliedManifestFailed');
        expect((await world.configMap('a'))?.['data']).toEqual({ key: 'theirs' });
        const forced = configFor('a', { updateStrategy: { type, serverSideApply: { force: true } } });
        await world.put('one', [configMap('a', { key: 'mine' })], forced);
        expect(told(await world.applied('one'))).toContain('Applied=True AppliedManifestWorkComplete');
        expect((await world.configMap('a'))?.['data']).toEqual({ key: 'mine' });
      });
    });

    describe('what is left behind', () => {
      const gone = (name: string) =>
        world.until(`the end of ${name}`, async () => !(await world.configMap(name)));
      const held = { finalizers: ['example.com/hold'] };

      it('a manifest that is dropped goes, as soon as its finalizers let it', async () => {
        await world.put('one', [configMap('a'), configMap('b', {}, held)]);
        await world.applied('one');
        await world.put('one', [configMap('a')]);
        await world.applied('one');
        await world.pass(5_000);
        expect((await world.configMap('b'))?.metadata.deletionTimestamp).toBeDefined();
        const resources = async () => (await keptOf('one'))?.map(({ name }) => name).sort() ?? [];
        expect(await resources()).toEqual(['a', 'b']);
        await patchMap('b', { metadata: { finalizers: null } });
        await gone('b');
        await world.until('the entry to go', async () => (await resources()).length === 1);
      });

      it('a work that is deleted says so and stays until everything is really gone', async () => {
        await world.put('one', [configMap('a', {}, held)]);
        await world.applied('one');
        await deleteWork('one');
        await world.pass(6_000);
        expect(told(await world.status('one'))).toContain('Deleting=True WorkDeleting');
        await patchMap('a', { metadata: { finalizers: null } });
        await world.until('the end of the work', async () => !(await world.work('one')));
        expect(await world.configMap('a')).toBeUndefined();
        expect(await keptOf('one')).toBeUndefined();
      });

      it('an object of two works goes with the second', async () => {
        await world.put('one', [configMap('a')]);
        await world.put('two', [configMap('a')]);
        await world.applied('one');
        await world.applied('two');
        expect((await world.configMap('a'))?.metadata.ownerReferences).toHaveLength(2);
        await deleteWork('one');
        await world.until('the end of the work', async () => !(await world.work('one')));
        expect((await world.configMap('a'))?.metadata.ownerReferences).toHaveLength(1);
        await deleteWork('two');
        await gone('a');
      });

      it.each<{ name: string; deleteOption: object; stays: string[] }>([
        { name: 'Orphan', deleteOption: { propagationPolicy: 'Orphan' }, stays: ['a', 'b'] },
        {
          name: 'SelectivelyOrphan',
          deleteOption: {
            propagationPolicy: 'SelectivelyOrphan',
            selectivelyOrphans: {
              orphaningRules: [{ resource: 'configmaps', namespace: 'default', name: 'b' }],
            },
          },
          stays: ['b'],
        },
      ])('$name keeps objects', async ({ deleteOption, stays }) => {
        await world.put('one', [configMap('a'), configMap('b')], { deleteOption });
        await world.applied('one');
        await deleteWork('one');
        await world.until('the end of the work', async () => !(await world.work('one')));
        const there = await Promise.all(['a', 'b'].map((name) => world.configMap(name)));
        expect(there.flatMap((object) => object?.metadata.name ?? [])).toEqual(stays);
      });

      it('an object that somebody put in place of ours is not ours to delete', async () => {
        await world.put('one', [configMap('a')]);
        await world.applied('one');
        await world.spoke.delete(CORE.configMap, { namespace: 'default', name: 'a' });
        await world.spoke.create(CORE.configMap, configMap('a', { theirs: '1' }));
        await deleteWork('one');
        await world.until('the end of the work', async () => !(await world.work('one')));
        expect((await world.configMap('a'))?.['data']).toEqual({ theirs: '1' });
      });
    });

    describe('feedback', () => {
      const paths = (...list: object[]) => ({ feedbackRules: [{ type: 'JSONPaths', jsonPaths: list }] });
      const values = async () =>
        ((await world.status('one')).resourceStatus?.manifests?.[0]?.statusFeedback.values ?? []).map(
          ({ name, fieldValue }) =>
            `${name}=${fieldValue.string ?? fieldValue.integer ?? fieldValue.boolean}`,
        );
      const asked = paths(
        { name: 'key', path: '.data.key' },
        { name: 'none', path: '.data.none' },
        { name: 'first', path: '.metadata.finalizers[0]' },
      );

      it('comes at once under Watch, without what is not there', async () => {
        await world.put(
          'one',
          [configMap('a', { key: '1' })],
          configFor('a', { ...asked, feedbackScrapeType: 'Watch' }),
        );
        await world.until('a value', async () => (await values()).includes('key=1'));
        expect(await values()).toEqual(['key=1']);
        await patchMap('a', { data: { key: '2' } });
        await world.until('the new value', async () => (await values()).join() === 'key=2');
      });

      it('that cannot be read is said to be so, and the rest comes', async () => {
        const rules = paths(
          { name: 'key', path: '.data.key' },
          { name: 'map', path: '.data' },
          { name: 'bad', path: '.data[' },
          { name: 'old', path: '.data.key', version: 'v1beta1' },
        );
        await world.put('one', [configMap('a', { key: '1' })], configFor('a', rules));
        await world.until('a value', async () => (await values()).includes('key=1'));
        const status = await world.status('one');
        expect(toldOf(status, 0)).toContain('StatusFeedbackSynced=False StatusFeedbackSyncFailed');
        const [, , synced] = status.resourceStatus?.manifests?.[0]?.conditions ?? [];
        expect(synced?.message).toMatch(
          /the type map\[string\]interface \{\} of the value for map is not found, failed to parse json path \.data\[ of bad .*, version set in the path old is not matched/,
        );
      });

      it('says when an object is no longer there', async () => {
        await world.put('one', [configMap('a'), configMap('b')]);
        await world.applied('one');
        await world.spoke.delete(CORE.configMap, { namespace: 'default', name: 'a' });
        const status = await world.until('the loss', async () => {
          const now = await world.status('one');
          return told(now).includes('Available=False ResourcesNotAvailable') && now;
        });
        expect(status.conditions?.find(({ type }) => type === 'Available')?.message).toBe(
          '1 of 2 resources are not available',
        );
        expect(toldOf(status, 0)).toContain('Available=False ResourceNotAvailable');
      });
    });
  });
}
