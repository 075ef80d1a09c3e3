import { describeFinding, LABELS } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { K1, podOf } from '../testing/fixtures.ts';
import { daemonSetView } from '../views.ts';
import { refusalView, refusedPodFindings } from './refused-pods.ts';

const SPACE = 'drivers';
const MISSING = 'error looking up service account drivers/loader: serviceaccount "loader" not found';
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

const setOf = (status: object, labels: Record<string, string> = { [LABELS.kernelVersion]: K1 }) =>
  daemonSetView({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { namespace: SPACE, name: 'set', uid: 'set-uid', labels },
    spec: { template: { spec: { serviceAccountName: 'loader' } } },
    status,
  });
const lacking = { observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 1 };
const full = { ...lacking, currentNumberScheduled: 2 };

const eventOf = (message: string, minute = 5, uid = 'set-uid', name = `e${minute}`): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { namespace: SPACE, name },
  involvedObject: { kind: 'DaemonSet', namespace: SPACE, name: 'set', uid },
  reason: 'FailedCreate',
  message,
  lastTimestamp: at(minute),
});
const forbidden = (words: string, pod = 'set-x7z2p') =>
  `Error creating: pods "${pod}" is forbidden: ${words}`;
const podAt = (minute: number) =>
  podOf({
    metadata: {
      name: 'set-1',
      namespace: SPACE,
      creationTimestamp: at(minute),
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'set', uid: 'set-uid' }],
    },
  });
const findings = (event: KubeObject, set = setOf(lacking), pods = [podAt(1)]) =>
  refusedPodFindings([set], pods, [refusalView(event)]);

it.each([
  ['ServiceAccountMissing', forbidden(MISSING)],
  [
    'PodSecurityForbids',
    forbidden('violates PodSecurity "baseline:latest": non-default capabilities (SYS_MODULE)'),
  ],
  [
    'SecurityContextForbids',
    forbidden(
      'unable to validate against any security context constraint: [provider "restricted": Forbidden]',
    ),
  ],
])(
  '%s names field, namespace, account, the words of the cluster and the command that helps',
  (reason, text) => {
    const [finding] = findings(eventOf(text));

    expect(finding).toMatchObject({ reason, path: 'spec.moduleLoader.serviceAccountName' });
    expect(finding?.message).toContain(text.replace(/^.*is forbidden: /, ''));
    expect(finding?.message).toContain('in drivers as service account loader');
    expect(finding?.nextStep).toContain('kmm install privileges drivers --service-account loader');
  },
);

it('what refuses pods for any other cause is told in its words', () => {
  const [finding] = findings(eventOf(forbidden('exceeded quota: few, requested: pods=1')));

  expect(finding && describeFinding(finding)).toBe(
    'spec.moduleLoader: No pod can be made: exceeded quota: few, requested: pods=1. Remove what refuses it.',
  );
});

it('a device plugin is told at its own field', () => {
  expect(findings(eventOf(forbidden(MISSING)), setOf(lacking, {}))[0]?.path).toBe(
    'spec.devicePlugin.serviceAccountName',
  );
});

it.each([
  ['no pod is missing', eventOf(forbidden(MISSING)), setOf(full), [podAt(1)]],
  ['a pod came after it', eventOf(forbidden(MISSING), 5), setOf(lacking), [podAt(6)]],
  ['it was about one of the same name', eventOf(forbidden(MISSING), 5, 'older'), setOf(lacking), []],
])('a refusal is past when %s', (_why, event, set, pods) => {
  expect(findings(event, set, pods)).toEqual([]);
});

it('a controller manager that writes no status before all pods are made is believed by its event', () => {
  expect(findings(eventOf(forbidden(MISSING)), setOf({}), [])).toHaveLength(1);
});

it('the newest refusal is told, the same for every try and every order of events', () => {
  const other = refusalView(eventOf(forbidden('exceeded quota'), 1));
  const tries = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{5}$/), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(tries, fc.boolean(), (pods, isReversed) => {
      const views = [
        other,
        ...pods.map((pod) => refusalView(eventOf(forbidden(MISSING, `set-${pod}`), 9, 'set-uid', pod))),
      ];
      const told = refusedPodFindings([setOf(lacking)], [], isReversed ? views.toReversed() : views);
      expect(told).toEqual(findings(eventOf(forbidden(MISSING))));
    }),
  );
});

it('is bounded, and reads events of both APIs', () => {
  const [finding] = findings(eventOf(forbidden('x'.repeat(10_000))));
  expect(finding?.message.length).toBeLessThan(500);

  const { lastTimestamp: _, ...event } = eventOf('words');
  expect(refusalView({ ...event, eventTime: at(7) }).at).toBe(Date.parse(at(7)));
  expect(refusalView({ ...event, series: { lastObservedTime: at(8) } }).at).toBe(Date.parse(at(8)));
  expect(refusalView({ ...event, metadata: { name: 'e' } }).at).toBe(0);
});
