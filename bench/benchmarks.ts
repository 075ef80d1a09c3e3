import { sign } from 'node:crypto';
import { RESOURCES } from '@kmm-fleet/api';
import { diffWork } from '@kmm-fleet/hub';
import { signModule } from '@kmm-fleet/images';
import { makeModule, testPair } from '@kmm-fleet/images/testing';
import { hubWithClusters, module, reportApplied, untilWorks } from './fleet.ts';
import { type Figure, medianMs, mediansMs } from './measure.ts';
import { clusterNamed, planOn } from './planned-work.ts';

/** Planning and diffing every work of a fleet, beside writing and reading the same works as JSON. */
export async function planFleet(clusters: number, modules: number): Promise<Figure> {
  const views = Array.from({ length: clusters }, (_, index) => clusterNamed(`c${index}`));
  const works = views
    .map((view) => planOn(view).action)
    .flatMap((action) => (action.kind === 'apply' ? [action.work] : []));
  const planned = await medianMs(5, () => {
    for (let round = 0; round < modules; round++)
      for (const [index, view] of views.entries()) diffWork(planOn(view), works[index]);
  });
  const cloned = await medianMs(5, () => {
    for (let round = 0; round < modules; round++) for (const work of works) JSON.parse(JSON.stringify(work));
  });
  return {
    name: `plan and diff ${clusters} clusters × ${modules} modules`,
    value: `${planned.toFixed(0)} ms`,
    ratio: planned / cloned,
    ratioMax: 10,
  };
}

/** Requests per cluster from a new module to all of its works. */
export async function createWorks(clusters: number): Promise<Figure> {
  const world = await hubWithClusters(clusters);
  const before = world.requests();
  await world.user.create(RESOURCES.managedClusterModule, module());
  await untilWorks(world, clusters);
  const requests = world.requests() - before;
  await world.stop();
  return {
    name: `requests per cluster, new module on ${clusters} clusters`,
    value: String(requests),
    ratio: requests / clusters,
    ratioMax: 1.05,
  };
}

/** Requests for one status event in a fleet of each size: the larger must not cost more. */
export async function oneEvent(small: number, large: number): Promise<Figure> {
  const [few, many] = [await eventCost(small), await eventCost(large)];
  return {
    name: `one status event at ${large} clusters beside ${small}`,
    value: `${many} requests, ${few} there`,
    ratio: many / few,
    ratioMax: 1,
  };
}

/** Writes of the hub while its clusters report one after another, beside one write per cluster. */
export async function burst(clusters: number): Promise<Figure> {
  const world = await hubWithClusters(clusters);
  await world.user.create(RESOURCES.managedClusterModule, module());
  await untilWorks(world, clusters);
  await world.clock.advance(5_000);
  const before = world.requests();
  for (let index = 0; index < clusters; index += 1) await reportApplied(world, `c${index}`, 1, 20);
  await world.clock.advance(5_000);
  const writes = world.requests() - before;
  await world.stop();
  return {
    name: `writes of the hub while ${clusters} clusters report`,
    value: `${writes} in ${(clusters * 20) / 1_000} s`,
    ratio: writes / clusters,
    ratioMax: 0.04,
  };
}

async function eventCost(clusters: number): Promise<number> {
  const world = await hubWithClusters(clusters);
  await world.user.create(RESOURCES.managedClusterModule, module());
  await untilWorks(world, clusters);
  await world.clock.advance(5_000);
  const before = world.requests();
  await reportApplied(world, 'c1', 1);
  const cost = world.requests() - before;
  await world.stop();
  return cost;
}

/** Signing one module beside the least that it takes: a signature over the bytes, and a copy with room for it. */
export async function signOne(bytes: number): Promise<Figure> {
  const file = Buffer.concat([makeModule({ name: 'kmod', kernel: '6.1.0' }), Buffer.alloc(bytes)]);
  const pair = testPair('rsa');
  const [signed, least] = mediansMs(
    200,
    () => signModule(file, pair),
    () => Buffer.concat([file, sign('sha256', file, pair.key)]),
  );
  return {
    name: `sign one .ko of ${Math.round(bytes / 1024)} KiB`,
    value: `${signed.toFixed(2)} ms`,
    ratio: signed / least,
    ratioMax: 2,
  };
}
