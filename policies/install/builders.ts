import { OPERATOR } from '@kmm-fleet/api';
import { buildingInJobs } from '../rbac/access.ts';
import type { Edition } from './editions.ts';

/** Who makes images from Dockerfiles, as KMM_BUILDER has it. */
export const BUILDERS = ['buildah', 'job', 'external'] as const;
export type BuilderName = (typeof BUILDERS)[number];

/** An edition whose operator has no privilege: it builds in Jobs, or lets others build. */
export function withBuilder(edition: Edition, builder: BuilderName): Edition {
  if (builder === 'buildah' || edition.builds === 'no') return edition;
  const [own, ...others] = edition.accesses;
  const unprivileged = {
    ...edition,
    env: { ...edition.env, KMM_BUILDER: builder },
    privileged: edition.privileged.filter((name) => name !== own?.account.name),
  };
  if (builder === 'external' || !own) return { ...unprivileged, builds: 'no' };
  const account = OPERATOR.builderServiceAccount;
  return {
    ...unprivileged,
    accesses: [buildingInJobs(own), ...others],
    accounts: [...edition.accounts, account],
    privileged: [...unprivileged.privileged, account],
    builds: 'in-jobs',
  };
}
