import type { ModuleStatus } from '@kmm-fleet/api';
import {
  systemClock as clock,
  createEvents,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import { createSpoke } from '@kmm-fleet/spoke';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKubeConnection } from '../runtime/kube/kube-config.ts';
import { type InstallPlane, kmm, startInstallPlane } from './install/install-plane.ts';

const SPACE = 'drivers';
const MODULE = `
apiVersion: kmm.sigs.x-k8s.io/v1beta1
kind: Module
metadata: { name: kmod, namespace: ${SPACE} }
spec:
  selector: { driver: wanted }
  moduleLoader:
    serviceAccountName: loader
    container:
      modprobe: { moduleName: kmod }
      kernelMappings:
        - { literal: 6.1.0-55-amd64, containerImage: "r.example.com/kmod@sha256:${'a'.repeat(64)}" }
`;

// The words are those of the real admission plugins; a node without a kubelet is enough for them.
describe('a namespace that lacks what loading takes', () => {
  const stop = new AbortController();
  let plane: InstallPlane;
  let running: Promise<void>;

  beforeAll(async () => {
    plane = await startInstallPlane('refused', ['kube-controller-manager']);
    plane.apply(kmm('install', 'cluster', '--image', 'r.example.com/kmm:1'));
    plane.kubectl(['create', 'namespace', SPACE]);
    plane.kubectl(['label', 'namespace', SPACE, 'pod-security.kubernetes.io/enforce=baseline']);
    const metadata = { name: 'n1', labels: { driver: 'wanted' } };
    plane.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata }));
    const status = { status: { nodeInfo: { kernelVersion: '6.1.0-55-amd64' } } };
    plane.kubectl(['patch', 'node', 'n1', '--subresource=status', '-p', JSON.stringify(status)]);
    const transport = createHttpTransport(await loadKubeConnection({ KUBECONFIG: plane.kubeconfig }));
    const client = createKubeClient({ transport, clock, random, userAgent: 'kmm' });
    const events = createEvents({ client, clock, component: 'kmm', log: silentLog });
    const ports = { client, clock, random, log: silentLog, events };
    const spoke = createSpoke({ ...ports, operatorNamespace: 'openshift-kmm', isManaged: false });
    running = spoke.run(stop.signal).then(() => transport.close());
    plane.apply(MODULE);
  });
  afterAll(async () => {
    stop.abort();
    await running;
    await plane?.stop();
  });

  const degraded = () => {
    const text = plane.kubectl(['get', 'module', '-n', SPACE, 'kmod', '-o', 'jsonpath={.status}']);
    const { conditions = [] } = JSON.parse(text || '{}') as ModuleStatus;
    return conditions.find(({ type }) => type === 'Degraded');
  };
  const becomes = (reason: string) =>
    expect.poll(() => degraded()?.reason, { timeout: 60_000, interval: 500 }).toBe(reason);

  it('is told first its service account, then its Pod Security, and is mended by what kmm install prints', async () => {
    await becomes('ServiceAccountMissing');
    expect(degraded()?.message).toContain('serviceaccount "loader" not found');

    plane.kubectl(['create', 'serviceaccount', '-n', SPACE, 'loader']);
    await becomes('PodSecurityForbids');
    expect(degraded()?.message).toContain('violates PodSecurity "baseline:latest"');
    expect(degraded()?.message).toContain(`kmm install privileges ${SPACE} --service-account loader`);

    plane.kubectl(['label', 'namespace', SPACE, 'pod-security.kubernetes.io/enforce-']);
    plane.apply(kmm('install', 'privileges', SPACE, '--service-account', 'loader'));
    await becomes('NoFailure');
  }, 200_000);
});
