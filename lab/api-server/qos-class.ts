import type { KubeObject } from '@kmm-fleet/runtime';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

type Amounts = Readonly<Record<string, string | number>>;

interface Container {
  readonly resources?: { readonly requests?: Amounts; readonly limits?: Amounts };
}

/** Others, such as `ephemeral-storage`, do not count. */
const COUNTED = ['cpu', 'memory'];

/** How a pod is treated where memory is short: what its containers ask for and may have says so. Pure. */
export function qosClass(pod: KubeObject): QosClass {
  const { containers = [], initContainers = [] } = (pod['spec'] ?? {}) as {
    containers?: readonly Container[];
    initContainers?: readonly Container[];
  };
  const all = [...containers, ...initContainers].map(({ resources: { requests = {}, limits = {} } = {} }) =>
    COUNTED.map((name) => {
      const limit = amountOf(limits[name]);
      // Who says no more than a limit asks for as much.
      return { limit, request: name in requests ? amountOf(requests[name]) : limit };
    }),
  );
  const amounts = all.flat();
  if (amounts.every(({ limit, request }) => limit === 0 && request === 0)) return 'BestEffort';
  const isGuaranteed = amounts.every(({ limit, request }) => limit > 0 && request === limit);
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

/** In thousandths. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ m: 1, '': 1e3, k: 1e6, M: 1e9, G: 1e12, T: 1e15 },
  ...{ Ki: 1_024e3, Mi: 1_024 ** 2 * 1e3, Gi: 1_024 ** 3 * 1e3, Ti: 1_024 ** 4 * 1e3 },
};

/** A quantity of Kubernetes, such as `100m`, `1.5Gi` or `1e3`, in thousandths; 0 for what is none. */
function amountOf(quantity: string | number = 0): number {
  const [, value = '0', unit = ''] = /^([\d.]+(?:e\d+)?)(m|[kMGT]|[KMGT]i)?$/.exec(String(quantity)) ?? [];
  return Math.round(Number(value) * (UNITS[unit] ?? 0));
}
