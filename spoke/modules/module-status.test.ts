import { found, type ModuleStatus } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { K1, K2, literal, module, NAMESPACE, nodeOf, podOf, runs } from '../testing/fixtures.ts';
import { daemonSetView } from '../views.ts';
import { moduleStatus, refusedStatus, type StatusInput } from './module-status.ts';
import { planModule } from './plan-module.ts';

const NOW = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T01:00:00Z';
const nodes = [nodeOf('n1', K1), nodeOf('n2', K2)];
const input = (given = module(), over: Partial<StatusInput> = {}): StatusInput => {
  const plan = planModule({ module: given, uid: 'u', nodes, daemonSets: [], operatorNamespace: NAMESPACE });
  return {
    module: given,
    plan,
    daemonSets: plan.daemonSets.map((set) => runs(set)),
    pods: [],
    generation: 3,
    ...over,
  };
};
const told = (status: ModuleStatus) =>
  Object.fromEntries(
    (status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );

it('all loaded: ready, with the numbers of upstream and the generation that was seen', () => {
  const status = moduleStatus(input(), undefined, NOW);
  expect(status.moduleLoader).toEqual({
    nodesMatchingSelectorNumber: 2,
    desiredNumber: 2,
    availableNumber: 2,
  });
  expect([status.observedGeneration, status.devicePlugin]).toEqual([3, undefined]);
  expect(told(status)).toEqual({
    Degraded: 'False NoFailure',
    Progressing: 'False Settled',
    Ready: 'True Loaded',
  });
});

it('an image on its way is progress, also while all nodes have an older one, and does not hide what fails', () => {
  const awaited = [found('ImageBuilding', '', 'ModuleImage kmod is Building.', '')];
  const building = (over: Partial<StatusInput> = {}) => {
    const given = input(module(), over);
    return moduleStatus({ ...given, plan: { ...given.plan, awaited } }, undefined, NOW);
  };
  const moving = { Progressing: 'True ImageBuilding', Ready: 'False ImageBuilding' };

  for (const status of [building(), building({ daemonSets: [] })]) {
    expect(told(status)).toEqual({ Degraded: 'False NoFailure', ...moving });
    expect(status.conditions?.[1]?.message).toBe('ModuleImage kmod is Building.');
  }
  const problem = { reason: 'PostStartHookError', message: 'Unknown symbol in module' };
  expect(told(building({ pods: [podOf({ problem, isReady: false })] }))).toEqual({
    Degraded: 'True PostStartHookError',
    Progressing: 'True ImageBuilding',
    Ready: 'False PostStartHookError',
  });
});

it('zeros are written: a work can report only what is there', () => {
  const status = moduleStatus(input(module(), { daemonSets: [] }), undefined, NOW);
  expect(status.moduleLoader?.availableNumber).toBe(0);
  expect(told(status)['Ready']).toBe('False NodesLoading');
});

it('old pods that are still available are not the new module', () => {
  const stale = input().daemonSets.map(({ object, metadata }) =>
    daemonSetView({ ...object, metadata: { ...metadata, generation: 2 } }),
  );
  const status = moduleStatus(input(module(), { daemonSets: stale }), undefined, NOW);
  expect(status.moduleLoader?.availableNumber).toBe(2);
  expect(told(status)['Ready']).toBe('False NodesLoading');
});

it("a node that refuses is told in the kernel's words, beside what serves", () => {
  const problem = { reason: 'PostStartHookError', message: 'Key was rejected by service' };
  const status = moduleStatus(
    input(module(), { pods: [podOf({ problem, isReady: false })] }),
    undefined,
    NOW,
  );
  const degraded = status.conditions?.find(({ type }) => type === 'Degraded');
  expect(degraded).toMatchObject({ status: 'True', reason: 'PostStartHookError' });
  expect(degraded?.message).toContain('Node n1');
  expect(degraded?.message).toContain('Key was rejected by service');
});

it('a node whose plugin crashes is told with the command that shows why', () => {
  const problem = { reason: 'CrashLoopBackOff', message: '' };
  const pod = podOf({ problem, isReady: false });
  const status = moduleStatus(input(module(), { pods: [pod] }), undefined, NOW);
  const { namespace, name } = pod.metadata;

  expect(status.conditions?.find(({ type }) => type === 'Degraded')?.message).toBe(
    `Node n1, ${pod.role}: CrashLoopBackOff. (kubectl logs ${name} -n ${namespace} --previous)`,
  );
});

it('words that end with a full stop get no second one', () => {
  const problem = { reason: 'PostStartHookError', message: 'Module nosuch not found.' };
  const status = moduleStatus(input(module(), { pods: [podOf({ problem })] }), undefined, NOW);

  expect(status.conditions?.find(({ type }) => type === 'Degraded')?.message).toMatch(/ not found\.$/);
});

it.each([
  [1, '1 node is served.'],
  [2, '2 nodes are served.'],
])('counts %i of its nodes in words that fit', (number, message) => {
  const given = { ...input(), daemonSets: input().daemonSets.slice(0, number) };
  const status = moduleStatus({ ...given, plan: { ...given.plan, desired: number } }, undefined, NOW);

  expect(status.conditions?.find(({ type }) => type === 'Ready')?.message).toBe(message);
});

it('names some of many nodes that are not heard of', () => {
  const absent = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'];
  const given = input(module(), { daemonSets: [] });
  const status = moduleStatus({ ...given, plan: { ...given.plan, absent } }, undefined, NOW);
  expect(status.conditions?.find(({ type }) => type === 'Ready')?.message).toBe(
    '0 of 2 nodes have the module. Not ready, so nobody can tell of them: n1, n2, n3, n4, n5 and 2 more.',
  );
});

it('is bounded, however many nodes fail', () => {
  const problem = { reason: 'PostStartHookError', message: 'x'.repeat(500) };
  const pods = Array.from({ length: 2_000 }, (_, index) => podOf({ node: `n${index}`, problem }));
  expect(JSON.stringify(moduleStatus(input(module(), { pods }), undefined, NOW)).length).toBeLessThan(12_000);
});

it('a warning stands for as long as it is true and makes nothing less ready', () => {
  const tagged = input(module({}, { kernelMappings: [literal(K1, 'r.io/kmod:1'), literal(K2)] }));
  const first = moduleStatus(tagged, undefined, NOW);
  expect(told(first)).toMatchObject({ ImageNotPinned: 'True ImageNotPinned', Ready: 'True Loaded' });
  expect(told(moduleStatus(input(), first, LATER))['ImageNotPinned']).toBeUndefined();
});

it('the same again is the same object, so that nothing is written', () => {
  const first = moduleStatus(input(), undefined, NOW);
  expect(moduleStatus(input(), first, LATER)).toBe(first);
});

it('an invalid Module keeps its numbers and says what is wrong', () => {
  const first = moduleStatus(input(), undefined, NOW);
  const finding = {
    reason: 'FieldMissing' as const,
    path: 'spec.selector',
    message: 'It is required.',
    nextStep: 'Add it.',
    severity: 'error' as const,
  };
  const refused = refusedStatus([finding], 4, first, LATER);
  expect(refused.moduleLoader).toEqual(first.moduleLoader);
  expect(refused.conditions?.find(({ type }) => type === 'Degraded')?.message).toBe(
    'spec.selector: It is required. Add it.',
  );
  expect(refusedStatus([finding], 4, refused, LATER)).toBe(refused);
});

it('a node that does not look for firmware where it goes is told, beside what serves, and behind what fails', () => {
  const at = (node: string, firmwarePath: string, over: object = {}) =>
    podOf({ node, firmwarePath, ...over });
  const conditions = (pods: StatusInput['pods'], previous?: ModuleStatus) =>
    moduleStatus(input(module(), { pods }), previous, NOW);
  const message = (status: ModuleStatus, wanted: string) =>
    status.conditions?.find(({ type }) => type === wanted)?.message;

  const warned = conditions([at('n1', '/var/lib/firmware/'), at('n2', '')]);
  expect(told(warned)).toMatchObject({ Ready: 'True Loaded', FirmwarePathNotSet: 'True FirmwarePathNotSet' });
  expect(message(warned, 'FirmwarePathNotSet')).toContain(
    'the kernel does not look on n2. Start the node with',
  );

  const problem = { reason: 'PostStartHookError', message: 'Unknown symbol in module' };
  const failed = conditions([at('n2', '/lib/fw', { problem, isReady: false })]);
  expect(message(failed, 'Degraded')).toMatch(
    /^Node n2, module-loader: Unknown symbol in module\. .* firmware_class\.path=\/var\/lib\/firmware\.$/,
  );

  const mended = conditions([at('n1', '/var/lib/firmware'), at('n3', '', { isDeleting: true })], warned);
  expect(told(mended)['FirmwarePathNotSet']).toBeUndefined();
});

it('what only the cluster knows is told before a kernel that has no mapping', () => {
  const { plan } = input(module());
  const findings = (['KernelNotMapped', 'PodsRefused'] as const).map((reason) =>
    found(reason, '', reason, ''),
  );
  const status = moduleStatus(input(module(), { plan: { ...plan, findings } }), undefined, NOW);

  expect(told(status)['Degraded']).toBe('True PodsRefused');
  expect(status.conditions?.[0]?.message).toBe('PodsRefused KernelNotMapped');
});
