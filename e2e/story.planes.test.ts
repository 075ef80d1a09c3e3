import { readAuditLog } from '@kmm-fleet/lab';
import { type Access, auditRights, hubAccess, spokeAccess } from '@kmm-fleet/policies';
import { expect, it } from 'vitest';
import { describeStory } from './story/tell-on-lab.ts';

/** Rights that no request of the story shows. */
const RARE = [
  // Checked when an object with an owner is written.
  'update hub.kmm.sigs.x-k8s.io/managedclustermodules/finalizers',
  'update kmm.sigs.x-k8s.io/modules/finalizers',
  // A Secret without a usable key gets one.
  'update secrets',
  // Only an OpenShift has image streams; elsewhere they are asked for and not found.
  'watch image.openshift.io/imagestreams',
  // Kernels fit into fewer claims than before.
  'delete cluster.open-cluster-management.io/clusterclaims',
];

describeStory('the story on real control planes', 'real', {
  '9b': (paths) =>
    it.each<[string, Access, string[]]>([
      ['the hub', hubAccess, ['hub']],
      ['a spoke', spokeAccess, ['east', 'west', 'edge']],
    ])('%s was denied nothing and has no right that it did not need', async (_who, access, planes) => {
      const logs = planes.map((plane) => readAuditLog(paths.path('planes', plane, 'audit.log')));
      const requests = (await Promise.all(logs.map((log) => Array.fromAsync(log)))).flat();

      const { unused, denied } = auditRights([access], requests);
      expect(requests.length).toBeGreaterThan(500);
      expect({ denied, unused: unused.filter((right) => !RARE.includes(right)) }).toEqual({
        denied: [],
        unused: [],
      });
    }),
});
