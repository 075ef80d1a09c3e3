import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startKindPlane } from './kind-plane.ts';
import type { Plane, PlaneOptions } from './plane.ts';
import { startProcessPlane } from './process-plane.ts';
import { planeProvider } from './program.ts';

/** Starts a control plane and waits until it is ready. `KMM_PLANES=kind` has kind start it. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const directory = join(options.directory, options.name);
  mkdirSync(directory, { recursive: true });
  const start = planeProvider() === 'kind' ? startKindPlane : startProcessPlane;
  return start({ ...options, directory });
}
