import type { X509Certificate } from 'node:crypto';
import type { ClusterShape, LabKernels } from '@kmm-fleet/lab';

/** A kernel that no mapping of the demo matches. */
export const UNMAPPED_KERNEL = '6.6.30-edge-rt';

const wants = { 'node-wants-my-mcm': 'true' };

/** The clusters of the lab: east and west run one kernel, edge another; three nodes demand signatures. */
export function labClusters(kernels: LabKernels, trusted: readonly X509Certificate[]): ClusterShape[] {
  const node = (name: string, kernel: string, secureBoot = false) => ({
    name,
    kernel,
    labels: wants,
    secureBoot,
    trusted,
  });
  return [
    {
      name: 'east',
      labels: { region: 'east' },
      nodes: [node('east-1', kernels.common), node('east-2', kernels.common)],
    },
    {
      name: 'west',
      labels: { region: 'west' },
      nodes: [node('west-1', kernels.common), node('west-2', kernels.common, true)],
    },
    {
      name: 'edge',
      labels: { region: 'edge' },
      nodes: [node('edge-1', kernels.edge, true), node('edge-2', UNMAPPED_KERNEL)],
    },
  ];
}
