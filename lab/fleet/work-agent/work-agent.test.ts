import { RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appliedName, configMap, startWorks, type WorkWorld } from '../testing/works.ts';
import { appliedResources } from './reconcile-work.ts';
import type { WorkStatus } from './work-view.ts';

let world: WorkWorld;
beforeEach(() => {
  world = startWorks();
});
afterEach(() => world.stop());

const told = (status: WorkStatus) =>
  (status.conditions ?? []).map(({ type, status: value, reason }) => `${type}=${value} ${reason}`);
const toldOf = (status: WorkStatus, ordinal: number) =>
  (status.resourceStatus?.manifests?.[ordinal]?.conditions ?? []).map(
    ({ type, status: value, reason }) => `${type}=${value} ${reason}`,
  );
const patchMap = (name: string, patch: object) =>
  world.spoke().mergePatch(CORE.configMap, { namespace: 'default', name }, patch, {});
const configFor = (name: string, rest: object, resource = 'configmaps') => ({
  manifestConfigs: [{ resourceIdentifier: { resource, name, namespace: 'default' }, ...rest }],
});

describe('a work', () => {
  it('is applied behind its finalizer, with an owner, and told of in OCM’s words', async () => {
    const writes: string[] = [];
    const record = ({ method, path, userAgent, status }: Record<string, unknown>) => {
      if (userAgent === 'work-agent' && Number(status) < 300) writes.push(`${method} ${String(path)}`);
    };
    world.fleet.hub.onWrite(record as never);
    world.server().onWrite(record as never);
    await world.put('one', [configMap('a', { key: 'value' })]);
    await world.applied('one');
    const name = appliedName('one');
    const works = '/apis/work.open-cluster-management.io/v1';
    expect(writes.slice(0, 5).map((write) => write.replace(/\?.*/, ''))).toEqual([
      `PATCH ${works}/namespaces/c1/manifestworks/one`,
      `POST ${works}/appliedmanifestworks`,
      'POST /api/v1/namespaces/default/configmaps',
      `PATCH ${works}/namespaces/c1/manifestworks/one/status`,
      `PATCH ${works}/appliedmanifestworks/${name}/status`,
    ]);
    const status = await world.until('availability', async () => {
      const now = await world.status('one');
      return (now.conditions?.length ?? 0) === 2 && now;
    });
    expect(told(status)).toEqual([
      'Applied=True AppliedManifestWorkComplete',
      'Available=True ResourcesAvailable',
    ]);
    expect(toldOf(status, 0)).toEqual([
      'Applied=True AppliedManifestComplete',
      'Available=True ResourceAvailable',
      'StatusFeedbackSynced=True NoStatusFeedbackSynced',
    ]);
    expect(status.resourceStatus?.manifests?.[0]?.resourceMeta).toEqual({
      ordinal: 0,
      group: '',
      version: 'v1',
      kind: 'ConfigMap',
      resource: 'configmaps',
      name: 'a',
      namespace: 'default',
    });
    const kept = await world.spoke().get(RESOURCES.appliedManifestWork, { name });
    const made = await world.configMap('a');
    expect(kept).toMatchObject({
      metadata: {
        labels: { origin: 'test' },
        finalizers: ['cluster.open-cluster-management.io/applied-manifest-work-cleanup'],
      },
      spec: { hubHash: name.slice(0, 64), manifestWorkName: 'one' },
      status: { appliedResources: [{ resource: 'configmaps', name: 'a', uid: made?.metadata.uid }] },
    });
    expect(made?.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'work.open-cluster-management.io/v1',
        kind: 'AppliedManifestWork',
        name,
        uid: kept?.metadata.uid,
      },
    ]);
  });

  it('applies what others live in first, whatever the order of the manifests', async () => {
    const inside = { ...configMap('a'), metadata: { name: 'a', namespace: 'later' } };
    await world.put('one', [inside, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'later' } }]);
    const status = await world.applied('one');
    expect(told(status)).toContain('Applied=True AppliedManifestWorkComplete');
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
    await world.spoke().create(CORE.customResourceDefinition, {
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
    await world.until('success', async () =>
      told(await world.status('one')).includes('Applied=True AppliedManifestWorkComplete'),
    );
  });

  it.each<{ name: string; manifests: object[]; spec?: object; message: string }>([
    {
      name: 'more than 500 KiB',
      manifests: [configMap('a', { big: 'x'.repeat(512_000) })],
      message: 'which exceeds the 512000 limit',
    },
    {
      name: 'an executor',
      manifests: [configMap('a')],
      spec: { executor: { subject: { type: 'ServiceAccount' } } },
      message: 'spec.executor is not supported by this agent',
    },
    {
      name: 'strategy ReadOnly',
      manifests: [configMap('a')],
      spec: configFor('a', { updateStrategy: { type: 'ReadOnly' } }),
      message: 'update strategy ReadOnly is not supported by this agent',
    },
    {
      name: 'no namespace',
      manifests: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }],
      message: 'an empty namespace may not be set during creation',
    },
  ])('says openly that it does not do $name', async ({ manifests, spec, message }) => {
    await world.put('one', manifests, spec);
    const status = await world.applied('one');
    expect(status.resourceStatus?.manifests?.[0]?.conditions[0]?.message).toContain(message);
    expect(await world.configMap('a')).toBeUndefined();
  });

  it('is silent when nothing changes', async () => {
    await world.put('one', [configMap('a')], configFor('a', { feedbackScrapeType: 'Watch' }));
    await world.applied('one');
    await world.clock.advance(60_000);
    const writes: string[] = [];
    for (const server of [world.fleet.hub, world.server()])
      server.onWrite(({ method, path }) => writes.push(`${method} ${path}`));
    await world.clock.advance(3_600_000);
    expect(writes).toEqual([]);
  });
});

describe('strategy', () => {
  const settled = () => world.clock.advance(400_000);

  it('Update mends drift within six minutes, takes foreign data away and leaves foreign labels', async () => {
    await world.put('one', [configMap('a', { key: 'value' }, { labels: { mine: '1' } })]);
    await world.applied('one');
    await patchMap('a', {
      metadata: { labels: { theirs: '1', mine: '2' } },
      data: { key: 'other', more: '1' },
    });
    await settled();
    const made = await world.configMap('a');
    expect(made?.['data']).toEqual({ key: 'value' });
    expect(made?.metadata.labels).toEqual({ mine: '1', theirs: '1' });
  });

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
    await world.spoke().apply(CORE.configMap, configMap('a', { key: 'theirs' }), foreign);
    const type = 'ServerSideApply';
    await world.put('one', [configMap('a', { key: 'mine' })], configFor('a', { updateStrategy: { type } }));
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
    await world.clock.advance(5_000);
    expect((await world.configMap('b'))?.metadata.deletionTimestamp).toBeDefined();
    const resources = async () => {
      const kept = await world.spoke().get(RESOURCES.appliedManifestWork, { name: appliedName('one') });
      return appliedResources(kept ?? configMap('none')).map(({ name }) => name);
    };
    expect(await resources()).toEqual(['a', 'b']);
    await patchMap('b', { metadata: { finalizers: null } });
    await gone('b');
    await world.until('the entry to go', async () => (await resources()).length === 1);
  });

  it('a work that is deleted says so and stays until everything is really gone', async () => {
    await world.put('one', [configMap('a', {}, held)]);
    await world.applied('one');
    await world.hub.delete(RESOURCES.manifestWork, { namespace: 'c1', name: 'one' });
    await world.clock.advance(60_000);
    expect(told(await world.status('one'))).toContain('Deleting=True WorkDeleting');
    await patchMap('a', { metadata: { finalizers: null } });
    await world.until('the end of the work', async () => !(await world.work('one')));
    expect(await world.configMap('a')).toBeUndefined();
    expect(
      await world.spoke().get(RESOURCES.appliedManifestWork, { name: appliedName('one') }),
    ).toBeUndefined();
  });

  it('an object of two works goes with the second', async () => {
    await world.put('one', [configMap('a')]);
    await world.put('two', [configMap('a')]);
    await world.applied('one');
    await world.applied('two');
    expect((await world.configMap('a'))?.metadata.ownerReferences).toHaveLength(2);
    await world.hub.delete(RESOURCES.manifestWork, { namespace: 'c1', name: 'one' });
    await world.until('the end of the work', async () => !(await world.work('one')));
    expect((await world.configMap('a'))?.metadata.ownerReferences).toHaveLength(1);
    await world.hub.delete(RESOURCES.manifestWork, { namespace: 'c1', name: 'two' });
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
    await world.hub.delete(RESOURCES.manifestWork, { namespace: 'c1', name: 'one' });
    await world.until('the end of the work', async () => !(await world.work('one')));
    const there = await Promise.all(['a', 'b'].map((name) => world.configMap(name)));
    expect(there.flatMap((object) => object?.metadata.name ?? [])).toEqual(stays);
  });

  it('an object that somebody put in place of ours is not ours to delete', async () => {
    await world.put('one', [configMap('a')]);
    await world.applied('one');
    await world.spoke().delete(CORE.configMap, { namespace: 'default', name: 'a' });
    await world.spoke().create(CORE.configMap, configMap('a', { theirs: '1' }));
    await world.hub.delete(RESOURCES.manifestWork, { namespace: 'c1', name: 'one' });
    await world.until('the end of the work', async () => !(await world.work('one')));
    expect((await world.configMap('a'))?.['data']).toEqual({ theirs: '1' });
  });
});

describe('feedback', () => {
  const paths = (...list: object[]) => ({ feedbackRules: [{ type: 'JSONPaths', jsonPaths: list }] });
  const values = async () =>
    ((await world.status('one')).resourceStatus?.manifests?.[0]?.statusFeedback.values ?? []).map(
      ({ name, fieldValue }) => `${name}=${fieldValue.string ?? fieldValue.integer ?? fieldValue.boolean}`,
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
    await world.clock.advance(100);
    expect(await values()).toEqual(['key=2']);
  });

  it('comes within twenty seconds under Poll', async () => {
    await world.put('one', [configMap('a', { key: '1' })], configFor('a', asked));
    await world.until('a value', async () => (await values()).includes('key=1'));
    const since = world.clock.now();
    await patchMap('a', { data: { key: '2' } });
    await world.until('another value', async () => (await values()).includes('key=2'));
    expect(world.clock.now() - since).toBeLessThanOrEqual(19_100);
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
    expect(synced?.message).toMatch(/type map .*failed to parse json path .*version set in the jsonpath old/);
  });

  it('says when an object is no longer there', async () => {
    await world.put('one', [configMap('a'), configMap('b')]);
    await world.applied('one');
    await world.clock.advance(20_000);
    await world.spoke().delete(CORE.configMap, { namespace: 'default', name: 'a' });
    await world.clock.advance(20_000);
    const status = await world.status('one');
    expect(told(status)).toContain('Available=False ResourcesNotAvailable');
    expect(status.conditions?.find(({ type }) => type === 'Available')?.message).toBe(
      '1 of 2 resources are not available',
    );
    expect(toldOf(status, 0)).toContain('Available=False ResourceNotAvailable');
  });
});
