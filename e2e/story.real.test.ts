import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labPaths, startLab, stopLab } from '@kmm-fleet/cli';
import { isRoot, missingPrograms } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { realWorld } from './story/real-world.ts';
import { SCENES } from './story/scenes.ts';
import type { World } from './story/world.ts';

const missing = missingPrograms();
const reason = !isRoot() ? 'needs root' : missing.length > 0 ? `missing: ${missing.join(', ')}` : '';

describe.skipIf(reason !== '')(`the story on real components${reason && ` (skipped: ${reason})`}`, () => {
  const paths = labPaths(join(mkdtempSync(join(tmpdir(), 'kmm-story-')), 'lab'));
  let world: World;

  beforeAll(async () => {
    world = realWorld(paths, await startLab(paths, () => {}));
  });
  afterAll(() => stopLab(paths));

  for (const scene of SCENES) {
    it(`${scene.name}. ${scene.title}`, async () => {
      // 10. The hub is killed in the middle of the steps that make it work; the end is the same.
      const killing = ['2', '7', '8a', '9b'].includes(scene.name)
        ? new Promise((resolve) => setTimeout(resolve, 700)).then(() => world.killHub())
        : undefined;
      await scene.run(world);
      await killing;
    });
  }
});
