import { RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appliedName, configMap, startWorks, type WorkWorld } from '../testing/works.ts';
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

  it('comes within twenty seconds under Poll', async () => {
    await world.put('one', [configMap('a', { key: '1' })], configFor('a', asked));
    await world.until('a value', async () => (await values()).includes('key=1'));
    const since = world.clock.now();
    await patchMap('a', { data: { key: '2' } });
    await world.until('another value', async () => (await values()).includes('key=2'));
    expect(world.clock.now() - since).toBeLessThanOrEqual(19_100);
  });
});
