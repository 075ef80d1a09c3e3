import { join } from 'node:path';
import { bundlePrograms, NODE_FLAGS } from '@kmm-fleet/lab';

export type Room = 'hub' | 'spoke';

/**
 * Bundles the operators into a folder, as their images have them.
 *
 * @returns what Node is told to run one
 */
export async function bundleOperator(room: Room, folder: string): Promise<readonly string[]> {
  await bundlePrograms(join(import.meta.dirname, '..'), folder);
  return [...NODE_FLAGS[room], join(folder, `${room}.js`)];
}
