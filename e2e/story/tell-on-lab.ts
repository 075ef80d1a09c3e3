import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlaneKind, type LabPaths, labPaths, startLab, stopLab } from '@kmm-fleet/cli';
import { isRoot, missingPrograms } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { realWorld } from './real-world.ts';
import { SCENES } from './scenes.ts';
import type { World } from './world.ts';

/** When the hub is killed in the steps that make it work, since they began: the last one takes less than a second. */
const KILL_MS: Readonly<Record<string, number>> = { 2: 700, 7: 700, '8a': 700, '9b': 100 };

/**
 * Tells the story in a lab of its own: real processes, registry and builds, on control planes of this kind.
 *
 * @param after tests of what there is after a scene, by its name
 */
export function describeStory(
  title: string,
  kind: ControlPlaneKind,
  after: Readonly<Record<string, (paths: LabPaths) => void>> = {},
): void {
  const missing = missingPrograms();
  const reason = !isRoot() ? 'needs root' : missing.length > 0 ? `missing: ${missing.join(', ')}` : '';

  describe.skipIf(reason !== '')(`${title}${reason && ` (skipped: ${reason})`}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kmm-story-'));
    const paths = labPaths(join(folder, 'lab'));
    let world: World;

    beforeAll(async () => {
      world = await realWorld(paths, await startLab(paths, () => {}, { kind }));
    });
    afterAll(async () => {
      await stopLab(paths);
      rmSync(folder, { recursive: true });
    });

    for (const scene of SCENES) {
      it(`${scene.name}. ${scene.title}`, async () => {
        // 10. The hub is killed in the middle of it; the end is the same.
        let isOver = false;
        const killMs = KILL_MS[scene.name];
        const killing = killMs
          ? sleep(killMs).then(() => {
              if (isOver) throw new Error('The scene was over before the hub was killed.');
              return world.killHub();
            })
          : undefined;
        await Promise.all([scene.run(world).then(() => (isOver = true)), killing]);
      });
      after[scene.name]?.(paths);
    }
  });
}
