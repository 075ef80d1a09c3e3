import { typeOf } from '@kmm-fleet/policies';
import { type Clock, type KubeClient, type KubeObject, type ResourceType, sleep } from '@kmm-fleet/runtime';

const PAUSE_MS = 200;
const PAUSES_MAX = 150;

/** Applies objects in their order; kinds that a CustomResourceDefinition before them makes are waited for. */
export async function installObjects(
  client: KubeClient,
  objects: readonly KubeObject[],
  clock: Clock,
): Promise<void> {
  for (const object of objects) {
    const type = typeOf(object);
    if (type.group.includes('open-cluster-management')) await untilServed(client, type, clock);
    await client.apply(type, object, { fieldManager: 'kmm-lab', force: true });
  }
}

/** A kind is there a moment after its definition is. */
async function untilServed(client: KubeClient, type: ResourceType, clock: Clock): Promise<void> {
  for (let pause = 0; pause < PAUSES_MAX; pause += 1) {
    if (await isServed(client, type)) return;
    await sleep(clock, PAUSE_MS);
  }
  throw new Error(
    `${type.plural}.${type.group} is not served ${(PAUSE_MS * PAUSES_MAX) / 1_000} s after it was defined.`,
  );
}

async function isServed(client: KubeClient, type: ResourceType): Promise<boolean> {
  try {
    for await (const _ of client.list(type));
    return true;
  } catch {
    return false;
  }
}
