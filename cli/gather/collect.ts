import { asSentence } from '@kmm-fleet/api';
import { editions, toYaml } from '@kmm-fleet/policies';
import { CORE, FAILURES, isAppError, type KubeObject } from '@kmm-fleet/runtime';
import { messageOf } from '../output/user-error.ts';
import { yamlList } from '../output/yaml.ts';
import { createBackground, isDiskFailure } from './background.ts';
import { collectLogs, isOfOperator } from './collect-logs.ts';
import {
  addBytes,
  type Collection,
  type CollectPorts,
  createCollection,
  LOGS_AT_ONCE,
} from './collection.ts';
import { OWNERS, planGather, type Target, targetName, type View } from './plan-gather.ts';
import { listPath, objectPath } from './plan-paths.ts';
import { redactObject } from './redact/redact-object.ts';
import { redactText } from './redact/redact-text.ts';
import { examine } from './summary/examine.ts';
import { containerStatuses } from './summary/examine-pod.ts';
import { nodeRow } from './summary/node-row.ts';

/** A list that brings nothing for this long is given up: the others go on. */
const TARGET_MS = 60_000;
/** Making a small file is mostly waiting. */
const WRITES_AT_ONCE = 16;

/** Collects everything of one view, target by target: one page of objects and a handful of lines are held at a time. */
export async function collect(view: View, namespace: string, ports: CollectPorts): Promise<Collection> {
  const collection = createCollection(namespace, editions[view].deployment);
  const namespaces = await collectSecrets(view, collection, ports);
  await collectTarget(OWNERS[view], collection, ports);
  for (const target of planGather(view, namespace, namespaces))
    await collectTarget(target, collection, ports);
  if (collection.operatorPods === 0)
    collection.problems.add({
      severity: 'error',
      reason: 'OperatorMissing',
      kind: 'Gather',
      object: namespace,
      message: 'No pod but those of modules is in this namespace.',
    });
  return collection;
}

/**
 * Secrets come first: what they hold is masked in everything that is written later, their own files included.
 *
 * @returns namespaces of Modules, sorted
 */
async function collectSecrets(view: View, into: Collection, ports: CollectPorts): Promise<string[]> {
  const namespaces = new Set<string>();
  const owners = OWNERS[view];
  await attempt(owners, into, ports, (object) => {
    if (object.metadata.namespace) namespaces.add(object.metadata.namespace);
    const { selector } = (object['spec'] ?? {}) as { selector?: Record<string, string> };
    if (view === 'hub' && selector) into.selectors.push(selector);
  });
  const sorted = [...namespaces].sort();
  for (const namespace of new Set([into.operatorNamespace, ...sorted])) {
    const target = { type: CORE.secret, namespace };
    await attempt(target, into, ports, (secret) => into.secrets.add(secret));
    if (namespace === into.operatorNamespace) await collectTarget(target, into, ports);
  }
  return sorted;
}

async function collectTarget(target: Target, into: Collection, ports: CollectPorts): Promise<void> {
  if (into.unreadable.some(({ what }) => what === targetName(target))) return;
  const { type, namespace = 'default', inOneFile, fieldSelector } = target;
  const pods: KubeObject[] = [];
  const writes = createBackground(WRITES_AT_ONCE);
  let count = 0;
  const take = async (object: KubeObject) => {
    count += 1;
    into.counts[object.kind] = (into.counts[object.kind] ?? 0) + 1;
    const redacted = redactObject(object, into.secrets.mask);
    note(redacted, into);
    if (type === CORE.pod) pods.push(redacted);
    return redacted;
  };
  if (inOneFile) {
    const path = listPath(type, namespace, fieldSelector?.split('=')[1]);
    const failure = await saveList(path, target, into, ports, take);
    if (failure) giveUp(target, failure, into);
  } else {
    await attempt(target, into, ports, async (object) => {
      const redacted = await take(object);
      await writes.add(async () => {
        addBytes(into, await ports.save(objectPath(type, object), toYaml(redacted)));
        await saveBuildLog(redacted, into, ports);
      });
      // Logs of one page at a time: pods of a large cluster do not pile up.
      if (pods.length >= LOGS_AT_ONCE) await collectLogs(pods.splice(0), into, ports);
    });
    await collectLogs(pods, into, ports);
    await writes.drain();
  }
  if (count > 0) ports.progress(`${count} ${targetName(target)}`);
}

/** What the summary needs to know of an object, without its secrets. */
function note(object: KubeObject, into: Collection): void {
  for (const problem of examine(object, into)) into.problems.add(problem);
  if (object.kind === 'Node') into.nodes.push(nodeRow(object));
  if (object.kind === 'Pod' && object.metadata.namespace === into.operatorNamespace && !isOfModule(object))
    into.operatorPods += 1;
  if (isOfOperator(object, into))
    for (const { image } of containerStatuses(object)) if (image) into.operatorImages.add(image);
}

const isOfModule = ({ metadata }: KubeObject) =>
  Object.keys(metadata.labels ?? {}).some((label) => label.startsWith('kmm.node.kubernetes.io/module.name'));

/** The end of a build, as a file that people find. */
async function saveBuildLog(object: KubeObject, into: Collection, { save }: CollectPorts): Promise<void> {
  const log = (object['status'] as { log?: unknown } | undefined)?.log;
  if (object.kind !== 'ModuleImage' || typeof log !== 'string') return;
  addBytes(into, await save(`build-logs/${object.metadata.name}.log`, `${log.trimEnd()}\n`));
}

/** Objects of one list in one file, as they come; no file when there are none. */
async function saveList(
  path: string,
  target: Target,
  into: Collection,
  ports: CollectPorts,
  take: (object: KubeObject) => Promise<KubeObject>,
): Promise<unknown> {
  const pages = objectsOf(target, ports)[Symbol.asyncIterator]();
  let failure: unknown;
  try {
    const first = await pages.next();
    if (first.done) return undefined;
    async function* items() {
      yield await take(first.value as KubeObject);
      try {
        for (let next = await pages.next(); !next.done; next = await pages.next())
          yield await take(next.value);
      } catch (error) {
        failure = error;
      }
    }
    addBytes(into, await ports.save(path, yamlList(target.type.kind, items())));
  } catch (error) {
    if (isDiskFailure(error)) throw error;
    return error;
  }
  return failure;
}

/** Hands over each object of a list; what cannot be read is remembered, and nothing is thrown. */
async function attempt(
  target: Target,
  into: Collection,
  ports: CollectPorts,
  use: (object: KubeObject) => unknown,
): Promise<void> {
  try {
    for await (const object of objectsOf(target, ports)) await use(object);
    into.read += 1;
  } catch (error) {
    if (isDiskFailure(error)) throw error;
    giveUp(target, error, into);
  }
}

async function* objectsOf({ type, ...options }: Target, { client, signal }: CollectPorts) {
  const late = AbortSignal.any([signal, AbortSignal.timeout(TARGET_MS)]);
  try {
    for await (const page of client.list(type, options, late)) yield* page.items;
  } catch (error) {
    if (late.aborted)
      throw new Error(`no answer in ${TARGET_MS / 1_000} s, or the time was up`, { cause: error });
    throw error;
  }
}

function giveUp(target: Target, error: unknown, into: Collection): void {
  const what = targetName(target);
  if (target.isOptional && isAppError(error) && error.code === 'NOT_FOUND') {
    into.absent.push(what);
    return;
  }
  if (into.unreadable.some((known) => known.what === what)) return;
  const why = redactText(messageOf(error), into.secrets.mask);
  const next = isAppError(error) ? ` ${FAILURES[error.code].nextStep}` : '';
  into.unreadable.push({ what, why: `${asSentence(why)}${next}` });
  into.problems.add({
    severity: 'warning',
    reason: 'CannotRead',
    kind: 'Gather',
    object: what,
    message: why,
  });
}
