import { type ModuleImage, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject, type ResourceType } from '@kmm-fleet/runtime';
import type { FaultNames } from './observe.ts';
import type { Victim } from './plan-strikes.ts';
import type { Look } from './watch-planes.ts';

const KINDS: Readonly<Record<Victim, readonly ResourceType[]>> = {
  hub: [RESOURCES.managedClusterModule, RESOURCES.moduleImage, RESOURCES.manifestWork],
  east: [RESOURCES.module, CORE.daemonSet],
  west: [RESOURCES.module, CORE.daemonSet],
};
const DIGEST = /sha256:[0-9a-f]{64}/g;

/**
 * What hub and clusters have of a round, and what they have it for: one line per object, in order. Rounds that ended
 * alike have equal lines: names of the round and its module, and digests of its images, are not told.
 */
export function stateOf(look: Look, { name, module }: FaultNames): string[] {
  const isOwn = ({ metadata, spec }: KubeObject) =>
    metadata.name === name ||
    metadata.name.startsWith(`${name}-`) ||
    (spec as ModuleImage['spec'] | undefined)?.image?.includes(`/${name}:`);
  return (['hub', 'east', 'west'] as const)
    .flatMap((plane) =>
      KINDS[plane].flatMap((type) =>
        look(plane, type)
          .filter(isOwn)
          .map(({ metadata, spec }) =>
            [plane, metadata.namespace ?? '', type.kind, JSON.stringify(spec)].join(' '),
          ),
      ),
    )
    .map((line) =>
      line.replaceAll(name, 'ROUND').replaceAll(module, 'MODULE').replaceAll(DIGEST, 'sha256:DIGEST'),
    )
    .sort();
}

/** Lines of one that the other lacks, either way. */
export function differences(wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...wanted.filter((line) => !found.includes(line)).map((line) => `it lacks ${line}`),
    ...found.filter((line) => !wanted.includes(line)).map((line) => `it should not have ${line}`),
    ...(wanted.length < found.length ? [`there are ${found.length} instead of ${wanted.length}`] : []),
  ];
}
