import { type BuilderName, OPERATOR } from '@kmm-fleet/api';
import { buildingInBuilds, buildingInJobs } from '../rbac/access.ts';
import type { Edition } from './editions.ts';

/** An edition whose operator has no privilege: it builds in Jobs or Builds, or lets others build. */
export function withBuilder(edition: Edition, builder: BuilderName): Edition {
  if (builder === 'buildah' || edition.builds === 'no') return edition;
  const [own, ...others] = edition.accesses;
  const unprivileged = {
    ...edition,
    env: { ...edition.env, KMM_BUILDER: builder },
    privileged: edition.privileged.filter((name) => name !== own?.account.name),
  };
  if (builder === 'external' || !own) return { ...unprivileged, builds: 'no' };
  if (builder === 'openshift')
    return { ...unprivileged, accesses: [buildingInBuilds(own), ...others], builds: 'in-builds' };
  const account = OPERATOR.builderServiceAccount;
  return {
    ...unprivileged,
    accesses: [buildingInJobs(own), ...others],
    accounts: [...edition.accounts, account],
    privileged: [...unprivileged.privileged, account],
    builds: 'in-jobs',
  };
}
