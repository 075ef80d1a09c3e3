import { KERNEL_CLAIM, SYSTEMS_CLAIM } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { clusterView, isSameCluster } from './cluster-view.ts';

const view = (clusterClaims: readonly object[]) =>
  clusterView({
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name: 'east' },
    status: { clusterClaims },
  });
const kernels = { name: KERNEL_CLAIM, value: '4.18.0' };
const systems = { name: SYSTEMS_CLAIM, value: '4.18.0 412.86.1-0' };

it('takes what brings the kernels from the claim of a spoke, and misses it nowhere', () => {
  expect(view([kernels, systems]).systems).toEqual([{ kernel: '4.18.0', version: '412.86.1-0' }]);
  expect(view([kernels])).toMatchObject({ kernels: { value: ['4.18.0'] }, systems: [] });
});

it('is the same cluster for works, whatever brought its kernels', () => {
  expect(isSameCluster(view([kernels]), view([kernels, systems]))).toBe(true);
  expect(isSameCluster(view([kernels]), view([{ ...kernels, value: '5.14.0' }]))).toBe(false);
});
