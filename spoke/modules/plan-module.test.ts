import { found, LABELS, loaderVersionLabel, ROLES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { upstreamHooks } from '../hooks/upstream-hooks.ts';
import { K1, K2, literal, module, NAMESPACE, nodeOf, pinned, runs } from '../testing/fixtures.ts';
import type { DaemonSetView, NodeView } from '../views.ts';
import { daemonSetView } from '../views.ts';
import { diffModule } from './diff-module.ts';
import { type ModuleInput, planModule } from './plan-module.ts';

const plan = (input: Partial<ModuleInput> & Pick<ModuleInput, 'module'>) =>
  planModule({ uid: 'u', nodes: [], daemonSets: [], operatorNamespace: NAMESPACE, ...input });

const nodes = [nodeOf('n1', K1), nodeOf('n2', K2)];
const kernelsOf = (sets: readonly KubeObject[]) =>
  sets.flatMap(({ metadata }) => metadata.labels?.[LABELS.kernelVersion] ?? []).sort();
const podSpec = (set: KubeObject | undefined) =>
  (set?.['spec'] as { template: { spec: Record<string, unknown> } } | undefined)?.template.spec ?? {};
const running = (given: ReturnType<typeof plan>, scheduled = 1) =>
  given.daemonSets.map((set) => runs(set, scheduled));
const withStatus = (view: DaemonSetView, scheduled: number) => runs(view.object, scheduled);

it('makes one loader per kernel of the selected nodes', () => {
  const other = nodeOf('n3', '5.0.0-1', { worker: 'no' });
  const { daemonSets, matching, desired } = plan({ module: module(), nodes: [...nodes, other] });
  expect(kernelsOf(daemonSets)).toEqual([K1, K2]);
  expect([matching, desired]).toEqual([2, 2]);
});

it('one kernel without a mapping holds back only itself', () => {
  const unmapped = nodeOf('n3', '5.0.0-1');
  const { daemonSets, findings, matching, desired } = plan({ module: module(), nodes: [...nodes, unmapped] });
  expect(kernelsOf(daemonSets)).toEqual([K1, K2]);
  expect(findings.map(({ reason }) => reason)).toEqual(['KernelNotMapped']);
  expect([matching, desired]).toEqual([3, 2]);
});

it.each([
  { name: 'NoSchedule keeps a node out', taint: 'NoSchedule', tolerations: [], expected: 1 },
  { name: 'NoExecute too', taint: 'NoExecute', tolerations: [], expected: 1 },
  { name: 'PreferNoSchedule does not', taint: 'PreferNoSchedule', tolerations: [], expected: 2 },
  {
    name: 'a toleration lets it in',
    taint: 'NoSchedule',
    tolerations: [{ key: 'gpu', operator: 'Exists' as const }],
    expected: 2,
  },
])('taints: $name', ({ taint, tolerations, expected }) => {
  const tainted: NodeView = { ...nodeOf('n2', K2), taints: [{ key: 'gpu', effect: taint }] };
  const given = module(tolerations.length > 0 ? { tolerations } : {});
  expect(plan({ module: given, nodes: [nodeOf('n1', K1), tainted] }).desired).toBe(expected);
});

it('a cordoned node keeps its loader, and so does one with a taint that its pods never tolerated', () => {
  const daemonSets = running(plan({ module: module(), nodes }));
  for (const key of ['node.kubernetes.io/unschedulable', 'mine']) {
    const cordoned: NodeView = { ...nodeOf('n2', K2), taints: [{ key, effect: 'NoSchedule' }] };
    expect(plan({ module: module(), nodes: [nodeOf('n1', K1), cordoned], daemonSets }).removed).toEqual([]);
  }
});

it('a node that is not heard of is wanted as before, and named', () => {
  const daemonSets = running(plan({ module: module(), nodes }));
  const key = 'node.kubernetes.io/unreachable';
  const taints = ['NoSchedule', 'NoExecute'].map((effect) => ({ key, effect }));
  const all = [nodeOf('n1', K1), { ...nodeOf('n2', K2), taints }];
  const found = plan({ module: module(), nodes: all, daemonSets });
  expect(found).toEqual({ ...plan({ module: module(), nodes, daemonSets }), absent: ['n2'] });
});

it('a loader goes with its kernel, with its mapping, and with the moduleLoader; nothing else does', () => {
  const daemonSets = running(plan({ module: module(), nodes }));
  const nameOf = (kernel: string) =>
    daemonSets.find(({ metadata }) => metadata.labels?.[LABELS.kernelVersion] === kernel)?.metadata.name;
  expect(plan({ module: module(), nodes, daemonSets }).removed).toEqual([]);
  expect(plan({ module: module(), nodes: [nodeOf('n1', K1)], daemonSets }).removed).toEqual([nameOf(K2)]);
  const unmapped = module({}, { kernelMappings: [literal(K1)] });
  expect(plan({ module: unmapped, nodes, daemonSets }).removed).toEqual([nameOf(K2)]);
  const bare = module({ moduleLoader: undefined, devicePlugin: { container: { image: 'p' } } });
  expect(plan({ module: bare, nodes, daemonSets }).removed).toHaveLength(2);
});

it('a mapping whose image is no reference keeps what runs and says so', () => {
  const daemonSets = running(plan({ module: module(), nodes }));
  const broken = module({}, { kernelMappings: [literal(K1), literal(K2, 'UPPER case')] });
  const { removed, findings, desired } = plan({ module: broken, nodes, daemonSets });
  expect(removed).toEqual([]);
  expect(findings).toHaveLength(1);
  expect(desired).toBe(2);
});

it('the upgrade of one node leaves the templates of all other loaders byte-equal', () => {
  const before = plan({ module: module(), nodes: [nodeOf('n1', K1), nodeOf('n2', K1)] });
  const observed = diffModule(before, []).apply.map((set) => runs(set));
  const after = plan({ module: module(), nodes: [nodeOf('n1', K1), nodeOf('n2', K2)], daemonSets: observed });
  expect(JSON.stringify(after.daemonSets)).toContain(JSON.stringify(before.daemonSets[0]));
  expect(kernelsOf(diffModule(after, observed).apply)).toEqual([K2]);
});

it("a kernel with a trailing '+' is matched without it and mounted with it, whoever joins", () => {
  const plus = plan({ module: module(), nodes: [nodeOf('n1', `${K1}+`)] });
  expect(kernelsOf(plus.daemonSets)).toEqual([K1]);
  expect(JSON.stringify(plus.daemonSets)).toContain(`"path":"/lib/modules/${K1}+"`);
  const both = [nodeOf('n0', K1), nodeOf('n1', `${K1}+`)];
  expect(plan({ module: module(), nodes: both, daemonSets: running(plus) }).daemonSets).toEqual(
    plus.daemonSets,
  );
});

it('a managed spoke says what it will not build, and what is not pinned', () => {
  const build = { dockerfileConfigMap: { name: 'd' } };
  const built = plan({
    module: module({}, { kernelMappings: [{ ...literal(K1), build }, literal(K2)] }),
    nodes,
  });
  expect(built.findings.map(({ reason }) => reason)).toEqual(['BuildOnManagedSpoke']);
  expect(kernelsOf(built.daemonSets)).toEqual([K2]);
  const tagged = plan({
    module: module({}, { kernelMappings: [literal(K1, 'r.io/kmod:1'), literal(K2)] }),
    nodes,
  });
  expect(tagged.warnings.map(({ reason }) => reason)).toEqual(['ImageNotPinned']);
  expect(kernelsOf(tagged.daemonSets)).toEqual([K1, K2]);
});

it.each(['awaited', 'refused'] as const)(
  'a kernel whose image is %s keeps what it has and holds back only itself',
  (why) => {
    const daemonSets = running(plan({ module: module(), nodes }));
    const finding = found('ImageBuilding', '', 'It is built.', '');
    const pin: ModuleInput['pin'] = ({ kernel, image }) =>
      kernel === K1 ? { image } : why === 'awaited' ? { awaited: finding } : { refused: finding };
    const {
      removed,
      findings,
      awaited,
      daemonSets: wanted,
    } = plan({ module: module(), nodes, daemonSets, pin });
    expect(kernelsOf(wanted)).toEqual([K1]);
    expect(removed).toEqual([]);
    expect({ awaited, refused: findings }).toEqual({ awaited: [], refused: [], [why]: [finding] });
  },
);

it.each([
  { name: 'of upstream 1.1', role: true },
  { name: "of upstream's OpenShift edition, which sets no role", role: false },
])('takes over a DaemonSet $name without writing it, until something matters', ({ role }) => {
  const [ours] = plan({ module: module(), nodes: [nodeOf('n1', K1)] }).daemonSets;
  const text = structuredClone(ours) as KubeObject & {
    spec: { selector: object; template: { metadata: KubeObject['metadata']; spec: Record<string, unknown> } };
  };
  const { [LABELS.role]: _, ...bare } = text.metadata.labels ?? {};
  const labels = role ? { ...bare, [LABELS.role]: ROLES.loader } : bare;
  Object.assign(text.metadata, { name: 'kmod-x7k2p', labels });
  Object.assign(text.spec.selector, { matchLabels: labels });
  text.spec.template.metadata.labels = labels;
  delete text.spec.template.spec['shareProcessNamespace'];
  const hooks = upstreamHooks({
    kernel: K1,
    image: '',
    inTreeModulesToRemove: [],
    modprobe: { dirName: '/opt', moduleName: 'kmod' },
  });
  const [container] = text.spec.template.spec['containers'] as Record<string, unknown>[];
  Object.assign(container ?? {}, {
    lifecycle: {
      postStart: { exec: { command: ['/bin/sh', '-c', hooks?.postStart] } },
      preStop: { exec: { command: ['/bin/sh', '-c', hooks?.preStop] } },
    },
  });
  const daemonSets = [runs(text)];
  const taken = plan({ module: module(), nodes: [nodeOf('n1', K1)], daemonSets });
  expect([taken.daemonSets, taken.removed]).toEqual([[], []]);

  const changed = module({}, { kernelMappings: [literal(K1, pinned('new'))] });
  const [written] = plan({ module: changed, nodes: [nodeOf('n1', K1)], daemonSets }).daemonSets;
  expect(written?.metadata.name).toBe('kmod-x7k2p');
  expect(written?.['spec']).toMatchObject({ selector: { matchLabels: labels } });
});

it("another controller's DaemonSet is never touched, whatever its labels say", () => {
  const owner = { apiVersion: 'v1', kind: 'Other', name: 'x', uid: 'y', controller: true };
  const metadata = { name: 'theirs', labels: { [LABELS.moduleName]: 'kmod' }, ownerReferences: [owner] };
  const theirs = daemonSetView({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata });
  expect(plan({ module: module(), nodes, daemonSets: [theirs] }).removed).toEqual([]);
});

it('an older version keeps its loader and its plugin for as long as a node runs them', () => {
  const spec = { devicePlugin: { container: { image: 'plugin' } } };
  const old = running(plan({ module: module(spec, { version: '1' }), nodes: [nodeOf('n1', K1)] }));
  const input = { module: module(spec, { version: '2' }), nodes: [nodeOf('n1', K1)] };
  expect(old).toHaveLength(2);
  expect(plan({ ...input, daemonSets: old }).removed).toEqual([]);
  expect(plan({ ...input, daemonSets: old }).daemonSets).toHaveLength(2);
  expect(plan({ ...input, daemonSets: old.map((view) => withStatus(view, 0)) }).removed).toHaveLength(2);
  // Numbers that speak of an earlier state count for nothing.
  const fresh = old.map(({ object }) => daemonSetView({ ...object, status: {} }));
  expect(plan({ ...input, daemonSets: fresh }).removed).toEqual([]);
});

it('adding or removing the version of a loaded Module changes nothing and is told', () => {
  const daemonSets = running(plan({ module: module(), nodes }));
  const toggled = plan({ module: module({}, { version: '1' }), nodes, daemonSets });
  expect([toggled.daemonSets, toggled.removed]).toEqual([[], []]);
  expect(toggled.findings[0]?.reason).toBe('VersionToggled');
});

it('the device plugin runs where the module is ready, or on the selector, and goes when it is not wanted', () => {
  const spec = { devicePlugin: { container: { image: 'plugin' } } };
  const both = plan({ module: module(spec), nodes: [nodeOf('n1', K1)] });
  const plugin = both.daemonSets.find(
    ({ metadata }) => metadata.labels?.[LABELS.role] === ROLES.devicePlugin,
  );
  expect(podSpec(plugin)['nodeSelector']).toEqual({ [`kmm.node.kubernetes.io/${NAMESPACE}.kmod.ready`]: '' });
  const alone = plan({ module: module({ ...spec, moduleLoader: undefined }), nodes });
  expect(podSpec(alone.daemonSets[0])['nodeSelector']).toEqual({ worker: 'yes' });
  expect(plan({ module: module(), nodes: [nodeOf('n1', K1)], daemonSets: running(both) }).removed).toEqual([
    plugin?.metadata.name,
  ]);
});

it('what is no longer wanted of a DaemonSet is written too, though nothing in it differs', () => {
  const rich = plan({
    module: module({
      selector: { worker: 'yes', zone: 'a' },
      tolerations: [{ key: 'x', operator: 'Exists' }],
    }),
    nodes: [nodeOf('n1', K1, { worker: 'yes', zone: 'a' })],
  });
  const observed = diffModule(rich, []).apply.map((set) => runs(set));
  expect(diffModule(rich, observed).apply).toEqual([]);
  const poorer = plan({
    module: module(),
    nodes: [nodeOf('n1', K1, { worker: 'yes', zone: 'a' })],
    daemonSets: observed,
  });
  expect(diffModule(poorer, observed).apply).toHaveLength(1);
});

it('the shape of a loader is upstream 1.x, field by field', () => {
  const modprobe = { moduleName: 'kmod', firmwarePath: '/firmware', modulesLoadingOrder: ['kmod', 'dep'] };
  const spec = { imageRepoSecret: { name: 'pull' } };
  const [set] = plan({
    module: module(spec, { version: '1', modprobe }),
    nodes: [nodeOf('n1', K1)],
  }).daemonSets;
  const labels = {
    [LABELS.moduleName]: 'kmod',
    [LABELS.kernelVersion]: K1,
    [LABELS.role]: 'module-loader',
    [loaderVersionLabel(NAMESPACE, 'kmod')]: '1',
  };
  expect(set).toMatchObject({
    metadata: {
      name: expect.stringMatching(/^kmod-[0-9a-f]{10}$/),
      namespace: NAMESPACE,
      labels,
      ownerReferences: [{ kind: 'Module', name: 'kmod', uid: 'u', controller: true }],
    },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          finalizers: ['kmm.node.kubernetes.io/node-labeler'],
          annotations: { 'modules-order': 'softdep kmod pre: dep\n' },
        },
        spec: {
          shareProcessNamespace: true,
          priorityClassName: 'system-node-critical',
          serviceAccountName: 'kmm-operator-module-loader',
          nodeSelector: {
            worker: 'yes',
            [LABELS.kernelVersion]: K1,
            [loaderVersionLabel(NAMESPACE, 'kmod')]: '1',
          },
          imagePullSecrets: [{ name: 'pull' }],
          // Not upstream's: it tells where the node looks for firmware.
          initContainers: [{ name: 'firmware-path', image: pinned(`kmod-${K1}`) }],
          containers: [
            {
              name: 'module-loader',
              image: pinned(`kmod-${K1}`),
              command: ['sleep', 'infinity'],
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { add: ['SYS_MODULE'] },
                runAsUser: 0,
                seLinuxOptions: { type: 'spc_t' },
              },
              volumeMounts: [
                { name: 'node-lib-modules', mountPath: `/lib/modules/${K1}`, readOnly: true },
                { name: 'node-var-lib-firmware', mountPath: '/var/lib/firmware' },
                { name: 'modules-order', mountPath: '/etc/modprobe.d', readOnly: true },
              ],
            },
          ],
        },
      },
    },
  });
});

it('the order of nodes and DaemonSets changes nothing, and a plan that was applied asks for no write', () => {
  const kernel = fc.constantFrom(K1, K2, '5.0.0-1', `${K1}+`);
  const cluster = fc
    .array(fc.tuple(kernel, fc.boolean()), { maxLength: 8 })
    .map((list) =>
      list.map(([release, isOurs], index) => nodeOf(`n${index}`, release, { worker: isOurs ? 'yes' : 'no' })),
    );
  fc.assert(
    fc.property(cluster, (given) => {
      const spec = { devicePlugin: { container: { image: 'plugin' } } };
      const first = plan({ module: module(spec), nodes: given });
      expect(JSON.stringify(plan({ module: module(spec), nodes: given.toReversed() }))).toBe(
        JSON.stringify(first),
      );
      const observed = diffModule(first, []).apply.map((set) => runs(set));
      const second = plan({ module: module(spec), nodes: given, daemonSets: observed.toReversed() });
      expect(diffModule(second, observed)).toEqual({ apply: [], remove: [] });
    }),
  );
});
