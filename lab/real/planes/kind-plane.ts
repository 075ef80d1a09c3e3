import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { freePort } from '../registry.ts';
import { findProgram } from '../requirements.ts';
import { type Command, planKindConfig, planKindStart, planKindStop } from './plan-kind.ts';
import type { Plane, PlaneOptions } from './plane.ts';
import { planeAccess, writeAuditPolicy } from './plane-access.ts';

const run = ([program, ...args]: Command) => runCommand(program, args);

/** A plane that kind starts in a container; docs/decisions/0021. */
export async function startKindPlane(options: PlaneOptions): Promise<Plane> {
  const { name, directory, certificates, users = [], auditBodies } = options;
  for (const program of ['kind', 'kubectl'])
    if (!findProgram(program)) throw new Error(`KMM_PLANES is kind, and there is no ${program} on the PATH.`);
  const { ca, caKey } = certificates;
  const port = await freePort();
  const access = planeAccess({ name, directory, ca, users, port });
  writeAuditPolicy(directory, auditBodies);
  const config = join(directory, 'kind.json');
  writeFileSync(config, JSON.stringify(planKindConfig({ directory, ca, caKey, port })));
  const cluster = `kmm-${name}`;
  const stop = async () => void (await run(planKindStop(cluster)));
  try {
    for (const command of planKindStart(cluster, config, join(directory, 'kind.kubeconfig')))
      await run(command);
  } catch (error) {
    await stop().catch(() => {}); // What went wrong first is what to tell.
    throw error;
  }
  const refuse = async () => {
    throw new Error(
      'Parts of a cluster of kind cannot be killed, started or compacted: use KMM_PLANES=real.',
    );
  };
  return {
    ...access,
    name,
    auditLog: join(directory, 'audit.log'),
    kill: refuse,
    start: refuse,
    compact: refuse,
    stop,
  };
}
