import { type Finding, warned } from '@kmm-fleet/api';
import { FIRMWARE_DIRECTORY } from '../hooks/loader-hooks.ts';
import type { PodView } from '../views.ts';

const NODES_NAMED = 3;

/** Nodes whose kernel does not look for firmware where a loader has put it, as one finding. Pure. */
export function firmwarePathFindings(pods: readonly PodView[]): Finding[] {
  const elsewhere = pods.filter(looksElsewhere).map(({ node }) => node);
  const nodes = [...new Set(elsewhere)].sort();
  if (nodes.length === 0) return [];
  const some = nodes.slice(0, NODES_NAMED).join(', ');
  const rest = nodes.length > NODES_NAMED ? ` and ${nodes.length - NODES_NAMED} more` : '';
  const message = `The firmware goes to ${FIRMWARE_DIRECTORY}, and there the kernel does not look on ${some}${rest}.`;
  const next = `Start the node with the kernel argument firmware_class.path=${FIRMWARE_DIRECTORY}.`;
  return [warned('FirmwarePathNotSet', 'spec.moduleLoader.container.modprobe.firmwarePath', message, next)];
}

const looksElsewhere = ({ firmwarePath, isDeleting }: PodView): boolean =>
  firmwarePath !== undefined && !isDeleting && firmwarePath.replace(/\/+$/, '') !== FIRMWARE_DIRECTORY;
