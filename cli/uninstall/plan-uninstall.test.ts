import { RESOURCES } from '@kmm-fleet/api';
import { editions, installedKey, installedObjects } from '@kmm-fleet/policies';
import { CORE } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MODES, planAllSteps, planUninstall, type Seen } from './plan-uninstall.ts';

const MODULE = {
  type: RESOURCES.module,
  name: { namespace: 'ns', name: 'kmod' },
  isDeleting: false,
  isShipped: false,
};
const NODE = { type: CORE.node, name: { name: 'n1' }, patch: {} };
const present = installedObjects(editions.spoke).map((object) => ({ ...object, isDeleting: false }));

/** A spoke that runs, with one module on one node. */
const running: Seen = {
  mode: 'keep',
  present,
  keeper: undefined,
  operatorPods: ['Pod/openshift-kmm/kmm-1'],
  isRunning: true,
  modules: [MODULE],
  traces: ['DaemonSet/ns/kmod', 'Node/n1'],
  held: [NODE],
  neededKinds: [],
};
const bare: Seen = { ...running, operatorPods: [], isRunning: false, modules: [], traces: [], held: [] };
const withoutDeployment = present.filter(({ type }) => type.kind !== 'Deployment');
const kinds = present.filter(({ purpose }) => purpose === 'kind');

const told = (seen: Seen) => {
  const step = planUninstall(seen);
  if (step.kind === 'remove') return `remove ${step.objects.map(installedKey).slice(0, 2).join(', ')}`;
  if (step.kind === 'wait') return `wait on ${step.on}: ${step.keys.join(', ')}`;
  if (step.kind === 'refuse') return `refuse: ${step.messages.join(' ')}`;
  return step.kind;
};
const DEPLOYMENT = 'Deployment/openshift-kmm/kmm-operator-controller-manager';

describe('the next step', () => {
  it.each<[string, Seen, string | RegExp]>([
    ['with modules kept: the operator ends first', running, `remove ${DEPLOYMENT}`],
    [
      'its pods are waited for, with all their rights',
      { ...running, present: withoutDeployment },
      'wait on operator: Pod/openshift-kmm/kmm-1',
    ],
    [
      'what only it would let go is let go',
      { ...running, present: withoutDeployment, operatorPods: [], isRunning: false },
      'release',
    ],
    [
      'then the rest goes, the last that was applied first',
      { ...bare, present: withoutDeployment },
      /^remove Secret\/openshift-kmm\/kmm-operator-webhook, Lease\/openshift-kmm\//,
    ],
    ['with modules unloaded: these go first', { ...running, mode: 'unload' }, 'remove Module/ns/kmod'],
    [
      'nodes are waited for',
      { ...running, mode: 'unload', modules: [{ ...MODULE, isDeleting: true }] },
      'wait on modules: Module/ns/kmod, DaemonSet/ns/kmod, Node/n1',
    ],
    [
      'what is left on nodes is waited for, too',
      { ...running, mode: 'unload', modules: [] },
      'wait on modules: DaemonSet/ns/kmod, Node/n1',
    ],
    [
      'an object that somebody holds is waited for',
      { ...bare, mode: 'unload', present: kinds.slice(0, 1).map((kind) => ({ ...kind, isDeleting: true })) },
      'wait on objects: CustomResourceDefinition/modules.kmm.sigs.x-k8s.io',
    ],
    [
      'a kind that another operator needs stays',
      { ...bare, mode: 'unload', present: kinds, neededKinds: kinds.map(({ name }) => name.name) },
      'done',
    ],
    ['nothing is there', { ...bare, present: [] }, 'done'],
    ['somebody would put it back', { ...running, keeper: 'Helm keeps it.' }, 'refuse: Helm keeps it.'],
    [
      'a hub ships the module',
      { ...running, mode: 'unload', modules: [{ ...MODULE, isShipped: true }] },
      /^refuse: A hub ships Module\/ns\/kmod and would do so again/,
    ],
    [
      'nobody is there to unload',
      { ...running, mode: 'unload', isRunning: false, operatorPods: [] },
      /^refuse: No operator runs that would unload Module\/ns\/kmod/,
    ],
    [
      'nodes are unloading what is to be kept',
      { ...running, modules: [{ ...MODULE, isDeleting: true }] },
      /^refuse: Nodes are unloading Module\/ns\/kmod/,
    ],
  ])('%s', (_, seen, expected) => {
    expect(told(seen)).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
  });
});

describe('all steps', () => {
  const seen = fc.record<Seen>({
    mode: fc.constantFrom(...MODES),
    present: fc
      .subarray(present)
      .chain((some) =>
        fc
          .array(fc.boolean(), { minLength: some.length, maxLength: some.length })
          .map((going) => some.map((object, index) => ({ ...object, isDeleting: going[index] ?? false }))),
      ),
    keeper: fc.constant(undefined),
    operatorPods: fc.subarray(['Pod/a', 'Pod/b']),
    isRunning: fc.boolean(),
    modules: fc.array(
      fc.record({
        ...{ type: fc.constant(RESOURCES.module), isDeleting: fc.boolean(), isShipped: fc.boolean() },
        name: fc.record({ namespace: fc.constant('ns'), name: fc.constantFrom('a', 'b') }),
      }),
      { maxLength: 2 },
    ),
    traces: fc.subarray(['DaemonSet/ns/kmod', 'Node/n1']),
    held: fc.subarray([NODE]),
    neededKinds: fc.subarray(kinds.map(({ name }) => name.name)),
  });

  it('end, wherever they begin, and again at once', () => {
    fc.assert(
      fc.property(seen, (from) => {
        const steps = planAllSteps(from);
        expect(steps.length).toBeLessThanOrEqual(8);
        expect(['done', 'refuse']).toContain(steps.at(-1)?.kind);
      }),
    );
  });

  it('take from kept modules nothing that they need, and unload nothing', () => {
    fc.assert(
      fc.property(seen, (from) => {
        const removed = planAllSteps({ ...from, mode: 'keep' }).flatMap((step) =>
          step.kind === 'remove' ? step.objects.map(installedKey) : [],
        );
        const operators = present.filter(({ purpose }) => purpose === 'operator').map(installedKey);
        expect(removed.filter((key) => !operators.includes(key))).toEqual([]);
      }),
    );
  });

  it('unload everything before the operator ends, and never remove a kind before that, nor the namespace', () => {
    fc.assert(
      fc.property(seen, (from) => {
        const steps = planAllSteps({ ...from, mode: 'unload' });
        const unloaded = steps.findIndex((step) => step.kind === 'wait' && step.on === 'modules');
        const keys = steps.map((step) => (step.kind === 'remove' ? step.objects.map(installedKey) : []));
        const others = keys.findIndex((some) => some.some((key) => !key.startsWith('Module/')));
        if (others >= 0 && from.modules.length + from.traces.length > 0)
          expect(others).toBeGreaterThan(unloaded);
        expect(keys.flat()).not.toContain('Namespace/openshift-kmm');
        for (const kind of from.neededKinds)
          expect(keys.flat()).not.toContain(`CustomResourceDefinition/${kind}`);
      }),
    );
  });
});
