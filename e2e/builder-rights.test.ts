import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry } from '@kmm-fleet/images';
import { createFakeBuilder, createMemoryRegistry } from '@kmm-fleet/images/testing';
import { type Access, type AuditedRequest, auditRights, editions, withOptions } from '@kmm-fleet/policies';
import { systemClock as clock, createKubeClient, createRandom } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { createJobBuilder } from '../images/builders/job-builder.ts';
import { createOpenshiftBuilder } from '../images/builders/openshift-builder.ts';
import {
  BUILD_SETTINGS,
  JOB_SETTINGS,
  startJobCluster,
  startOpenshift,
} from '../images/testing/build-cluster.ts';
import { runFakePod } from '../images/testing/run-fake-pod.ts';
import { audited, beyond } from './images/audited.ts';

/** What an option adds to the rights of a hub. */
function added(builder: 'job' | 'openshift'): Access {
  const [plain] = editions.hub.accesses;
  const [access] = withOptions(editions.hub, { builder }).accesses;
  if (!plain || !access) throw new RangeError('a hub has rights');
  const known = plain.own.map((rule) => JSON.stringify(rule));
  return { ...access, cluster: [], own: access.own.filter((rule) => !known.includes(JSON.stringify(rule))) };
}

const random = createRandom(1);

it.each([
  ['job', []],
  // Asked for by OpenShift's own admission, on behalf of who creates a Build.
  ['openshift', ['create build.openshift.io/builds/docker']],
] as const)('a builder needs the rights that --builder %s grants, and all of them', async (name, unseen) => {
  const registry = createRegistry({ transport: createMemoryRegistry(), clock, random });
  const fake = createFakeBuilder(registry);
  const { runner } = name === 'job' ? startJobCluster(runFakePod(fake)) : startOpenshift(fake);
  const access = added(name);
  const log: AuditedRequest[] = [];
  const transport = audited(runner.transport, access, log);
  const client = createKubeClient({ transport, clock, random, userAgent: 'builds' });
  const directory = mkdtempSync(join(tmpdir(), 'kmm-rights-'));
  const own = { client, directory, lookMs: 5 };
  const builder =
    name === 'job'
      ? createJobBuilder({ ...JOB_SETTINGS, ...own })
      : createOpenshiftBuilder({ ...BUILD_SETTINGS, ...own, registry });

  await builder.build({
    dockerfile: 'FROM scratch\n',
    buildArgs: {},
    secrets: [{ name: 'login', files: { token: Buffer.from('t0ken') } }],
    target: 'registry.test/kmod:1',
    labels: {},
    baseAccess: {},
    targetAccess: {},
  });

  expect(auditRights([access], log).unused).toEqual(unseen);
  expect(beyond(access, log)).toEqual([]);
  await runner.stop();
  rmSync(directory, { recursive: true });
});
