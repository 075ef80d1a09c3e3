import {
  LABELS,
  type ManagedClusterModuleStatus,
  type ModuleSpec,
  type ModuleStatus,
  OPERATOR,
  RESOURCES,
} from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askFor, recordWire, type WireWorld, wireOf, wireWorld } from './wire/record-wire.ts';
import { currentVersion, type Recording, readRecordings } from './wire/wire-folder.ts';

const DRIFT = `is on the wire not as in e2e/wire/${currentVersion}. Have fleets that version, raise the version first; then run make record-wire, read the difference as an older hub or spoke would, and commit it.`;
const recorded = { fieldManager: 'recording', subresource: 'status' } as const;
const namespace = OPERATOR.namespace;
const all = readRecordings();

it('hub and spoke send each other what is recorded for their version', async () => {
  const current = all.filter(({ version }) => version === currentVersion);
  const recordings = new Map(current.map(({ name, text }) => [name, text]));
  const wire = await recordWire();
  const names = new Set([...recordings.keys(), ...wire.keys()]);
  const drifted = [...names].filter((name) => recordings.get(name) !== wire.get(name));

  expect(drifted.map((name) => `${name} ${DRIFT}`)).toEqual([]);
});

async function worldOf({ name }: Recording): Promise<WireWorld> {
  const world = await wireWorld(name);
  onTestFinished(() => world.stop());
  return world;
}

describe.each(all)('$version, $name', (recording) => {
  it('our spoke takes its work to the end that was reported then', async () => {
    const world = await worldOf(recording);
    const text = JSON.stringify(recording.work).replaceAll(/sha256:0{64}/g, world.digest);
    await world.hub.create(RESOURCES.manifestWork, JSON.parse(text) as KubeObject);
    world.startSpoke();

    const reported = { namespace, name: recording.name };
    await world.until('the same end', async () =>
      isSame(outcome(await world.user.get(RESOURCES.module, reported)), outcome(recording.module)),
    );
    expect(recording.work.metadata.labels).toHaveProperty([LABELS.managedClusterModule]);
  });

  it('our hub makes of its claims and its status what was made of them then', async () => {
    const world = await worldOf(recording);
    const { name, claims, module, mcm } = recording;
    for (const claim of claims) await world.user.create(RESOURCES.clusterClaim, claim);
    world.startHub();
    const { moduleSpec } = mcm['spec'] as { moduleSpec: ModuleSpec };
    await askFor(world, name, moduleSpec);
    const shipped = { namespace, name };
    const isShipped = async () => (await world.user.get(RESOURCES.module, shipped)) !== undefined;
    await world.until('the Module', isShipped);
    const { status } = module as { status?: ModuleStatus };
    await world.user.mergePatch(RESOURCES.module, shipped, { status }, recorded);

    await world.until('the same status', async () =>
      isSame(outcome((await wireOf(world, name)).mcm), outcome(mcm)),
    );
  });
});

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** What a status says, without its words: those may become better. */
function outcome(object: KubeObject | undefined): object {
  const status = (object?.['status'] ?? {}) as ModuleStatus & ManagedClusterModuleStatus;
  const { moduleLoader, devicePlugin, nodes, clusters, conditions = [] } = status;
  const said = conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`).sort();
  return { moduleLoader, devicePlugin, nodes, clusters, said };
}
