import type { KubeObject } from '@kmm-fleet/runtime';

/** What a node says of itself. */
export interface NodeFacts {
  readonly name: string;
  readonly kernel: string;
  readonly osImage: string;
  readonly bootId: string;
  readonly machineId: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastHeartbeatTime?: string;
  readonly lastTransitionTime?: string;
}

/**
 * The status of a Node as its kubelet reports it. Heartbeats are left out: the times move only when something changed,
 * so that a settled cluster is a silent one.
 *
 * @param now RFC 3339
 */
export function nodeStatus(existing: KubeObject | undefined, facts: NodeFacts, now: string): object {
  const before =
    (existing?.['status'] as { conditions?: readonly Condition[] } | undefined)?.conditions ?? [];
  const resources = { cpu: '4', memory: '8Gi', pods: '110' };
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: '10.0.2.15' },
      { type: 'Hostname', address: facts.name },
    ],
    conditions: [
      condition(
        before,
        'MemoryPressure',
        'False',
        'KubeletHasSufficientMemory',
        'kubelet has sufficient memory available',
        now,
      ),
      condition(
        before,
        'DiskPressure',
        'False',
        'KubeletHasNoDiskPressure',
        'kubelet has no disk pressure',
        now,
      ),
      condition(
        before,
        'PIDPressure',
        'False',
        'KubeletHasSufficientPID',
        'kubelet has sufficient PID available',
        now,
      ),
      condition(before, 'Ready', 'True', 'KubeletReady', 'kubelet is posting ready status', now),
    ],
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.machineId,
      bootID: facts.bootId,
      kernelVersion: facts.kernel,
      osImage: facts.osImage,
      containerRuntimeVersion: 'containerd://1.6.20',
      kubeletVersion: 'v1.35.4',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  };
}

function condition(
  all: readonly Condition[],
  type: string,
  status: string,
  reason: string,
  message: string,
  now: string,
): object {
  const before = all.find((candidate) => candidate.type === type && candidate.status === status);
  const since = before?.lastTransitionTime ?? now;
  return {
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: before?.lastHeartbeatTime ?? now,
    lastTransitionTime: since,
  };
}
