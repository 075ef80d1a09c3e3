import { describeFinding, type ModuleImageSpec, OPERATOR } from '@kmm-fleet/api';
import { planToolkit, readToolkitStream, usesToolkit } from '@kmm-fleet/images';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import type { Connected } from '../hub/connection.ts';
import type { FleetView } from '../hub/fleet-view.ts';

/** Kernels for whose Dockerfile no toolkit is known, one sentence each. What may not be read is left to the hub. */
export async function checkToolkits(
  { client }: Connected,
  namespace: string,
  { clusters }: FleetView,
  specs: readonly ModuleImageSpec[],
): Promise<string[]> {
  const configMap = (name: string) => client.get(CORE.configMap, { namespace, name });
  try {
    const asking: string[] = [];
    for (const { build, kernelVersion } of specs) {
      const name = build?.dockerfileConfigMap.name;
      const dockerfile = name && dataOf(await configMap(name))?.['dockerfile'];
      if (dockerfile && usesToolkit(dockerfile)) asking.push(kernelVersion);
    }
    if (asking.length === 0) return [];
    const catalogue = dataOf(await configMap(OPERATOR.toolkits));
    const systems = [...clusters.values()].flatMap((cluster) => cluster.systems);
    const stream = await readToolkitStream(client, systems);
    return [...new Set(asking)].sort().flatMap((kernel) => {
      const toolkit = planToolkit({ catalogue, stream }, kernel);
      return toolkit.ok ? [] : toolkit.findings.map(describeFinding);
    });
  } catch {
    return [];
  }
}

const dataOf = (object: KubeObject | undefined) =>
  object?.['data'] as Readonly<Record<string, string>> | undefined;
