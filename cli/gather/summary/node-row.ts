import type { KubeObject } from '@kmm-fleet/runtime';

/** What a node says of its modules. */
export interface NodeRow {
  readonly node: string;
  readonly ready: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly os: string;
  /** Labels of KMM, without their prefix. */
  readonly labels: readonly string[];
}

interface NodeStatusView {
  readonly conditions?: readonly { type: string; status: string }[];
  readonly nodeInfo?: {
    readonly kernelVersion?: string;
    readonly architecture?: string;
    readonly osImage?: string;
  };
}

const KMM_LABEL = /^(?:beta\.)?kmm\.node\.kubernetes\.io\//;

/** Pure. */
export function nodeRow({ metadata, status }: KubeObject): NodeRow {
  const { conditions = [], nodeInfo = {} } = (status ?? {}) as NodeStatusView;
  const labels = Object.entries(metadata.labels ?? {}).filter(([key]) => KMM_LABEL.test(key));
  return {
    node: metadata.name,
    ready: conditions.find(({ type }) => type === 'Ready')?.status ?? 'Unknown',
    kernel: nodeInfo.kernelVersion ?? '',
    architecture: nodeInfo.architecture ?? '',
    os: nodeInfo.osImage ?? '',
    labels: labels.map(([key, value]) => `${key.replace(KMM_LABEL, '')}${value && `=${value}`}`).sort(),
  };
}

/** Tab-separated, for spreadsheets and awk. */
export function nodesTable(rows: readonly NodeRow[]): string {
  const line = (cells: readonly string[]) => cells.map((cell) => cell.replaceAll(/\s+/g, ' ')).join('\t');
  const head = line(['NODE', 'READY', 'KERNEL', 'ARCHITECTURE', 'OS', 'KMM LABELS']);
  const body = rows.map((row) =>
    line([row.node, row.ready, row.kernel, row.architecture, row.os, row.labels.join(' ')]),
  );
  return `${[head, ...body].join('\n')}\n`;
}
