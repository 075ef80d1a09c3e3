import { beforeAll, expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { simulatedWorld } from './story/simulated-world.ts';
import { MCM } from './story/world.ts';

/** Series of all processes after each scene, by scene and process. */
const told = new Map<string, ReadonlyMap<string, readonly string[]>>();

beforeAll(async () => {
  const world = await simulatedWorld(1);
  for (const scene of SCENES) {
    await scene.run(world);
    await world.clock.advance(5_000);
    const series = new Map<string, readonly string[]>();
    for (const [name, metrics] of world.metrics)
      series.set(
        name,
        (await metrics.text()).split('\n').filter((line) => line && !line.startsWith('#')),
      );
    told.set(scene.name, series);
  }
  await world.stop();
});

const all = (process: string) => [...told.values()].flatMap((series) => series.get(process) ?? []);
const last = (process: string) => [...told.values()].at(-1)?.get(process) ?? [];

it('tells outcomes while the story goes on', () => {
  expect(told.size).toBe(SCENES.length);
  expect(all('hub')).toEqual(
    expect.arrayContaining([
      `kmm_clusters_by_reason{module="${MCM}",reason="KernelNotMapped",severity="error"} 1`,
      `kmm_nodes{module="${MCM}",state="available"} 5`,
      'kmm_module_images{state="Ready"} 2',
      expect.stringMatching(/^kmm_image_step_duration_seconds_count\{step="build",outcome="success"\} [1-9]/),
      expect.stringMatching(/^kmm_image_step_duration_seconds_count\{step="build",outcome="failure"\} [1-9]/),
      expect.stringMatching(/^kmm_signing_certificate_not_after_seconds\{secret="[^"]+"\} \d+/),
      expect.stringMatching(/^kmm_work_apply_duration_seconds_count [1-9]/),
      expect.stringMatching(/^kmm_queue_depth\{queue="works"\} \d+/),
    ]),
  );
  expect(all('east')).toContainEqual(
    expect.stringMatching(/^kmm_module_nodes\{namespace="[^"]+",module="[^"]+",state="available"\} 2/),
  );
});

it('shows nothing of a module that is gone', () => {
  expect(last('hub').filter((line) => line.includes(`module="${MCM}"`))).toEqual([]);
  expect(last('hub').filter((line) => line.startsWith('kmm_signing_certificate'))).toEqual([]);
  for (const cluster of ['east', 'west', 'edge'])
    expect(last(cluster).filter((line) => line.startsWith('kmm_module_'))).toEqual([]);
});

it('has no label that grows with clusters, nodes or pods', () => {
  const names = /="(?:east|west|edge)(?:-\d)?"/;
  expect(
    [...told.values()].flatMap((series) => [...series.values()].flat()).filter((line) => names.test(line)),
  ).toEqual([]);
});
