import { checkModule, LABELS } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { K1, moduleObject } from './testing/fixtures.ts';
import { moduleView, nodeView, podView } from './views.ts';

const pod = (status: object, isLoader = true) =>
  podView({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      labels: { [LABELS.moduleName]: 'kmod', ...(isLoader && { [LABELS.kernelVersion]: K1 }) },
    },
    spec: { nodeName: 'n1' },
    status,
  });
const container = (state: object, terminated?: object, ready = false) => ({
  containerStatuses: [{ ready, state, ...(terminated && { lastState: { terminated } }) }],
});
const HOOK = { reason: 'Completed', exitCode: 0, message: 'modprobe: ERROR: Key was rejected by service\n' };
const told = { reason: 'PostStartHookError', message: 'modprobe: ERROR: Key was rejected by service' };

it.each([
  {
    name: 'seconds after the failure',
    status: container({ waiting: { reason: 'PostStartHookError' } }, HOOK),
  },
  {
    name: 'in the back-off',
    status: container({ waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } }, HOOK),
  },
  {
    name: 'while the next try starts',
    status: container({ waiting: { reason: 'ContainerCreating' } }, HOOK),
  },
  { name: 'while the next try runs', status: container({ running: {} }, HOOK) },
])("modprobe's words are told $name", ({ status }) => {
  expect(pod(status).problem).toEqual(told);
});

it("modprobe's words are taken out of the kubelet's sentence before there is a termination message", () => {
  const message = `Exec lifecycle hook ([/bin/sh -c modprobe kmod]) for Container "module-loader" in Pod "p_n(1)" failed - error: command '/bin/sh -c modprobe kmod' exited with 1: , message: "insmod kmod.ko \\nmodprobe: ERROR: could not insert 'kmod': Key was rejected by service\\n"`;
  const status = container({ waiting: { reason: 'PostStartHookError', message } });
  expect(pod(status).problem?.message).toBe(
    "insmod kmod.ko \nmodprobe: ERROR: could not insert 'kmod': Key was rejected by service",
  );
});

it('what a hook said before it succeeded, or before the node fell over, is no problem', () => {
  expect(pod(container({ running: {} }, HOOK, true)).problem).toBeUndefined();
  expect(
    pod(container({ running: {} }, { reason: 'Unknown', exitCode: 255, message: 'insmod x' })).problem,
  ).toBeUndefined();
});

it('the two names of a failed pull are one reason', () => {
  const waiting = (reason: string) =>
    pod(container({ waiting: { reason, message: 'unauthorized' } })).problem;
  expect(waiting('ErrImagePull')).toEqual({ reason: 'ImagePullBackOff', message: 'unauthorized' });
  expect(waiting('ImagePullBackOff')).toEqual(waiting('ErrImagePull'));
});

it('a failed pull names its image once', () => {
  const told = (message: string) => {
    const state = { waiting: { reason: 'ErrImagePull', message } };
    return pod({ containerStatuses: [{ image: 'r.test/kmod:1', ready: false, state }] }).problem?.message;
  };
  expect(told('Registry r.test cannot be reached')).toBe('r.test/kmod:1: Registry r.test cannot be reached');
  expect(told('r.test/kmod:1: not found')).toBe('r.test/kmod:1: not found');
});

it('a plugin that crashes keeps its own reason, also in its init container', () => {
  const crash = { reason: 'CrashLoopBackOff', message: 'back-off' };
  expect(pod(container({ waiting: crash }, { reason: 'Error', exitCode: 1 }), false).problem).toEqual(crash);
  const status = { initContainerStatuses: container({ waiting: crash }).containerStatuses };
  expect(pod(status, false).problem).toEqual(crash);
});

it('starting is no problem, and words are bounded', () => {
  expect(pod(container({ waiting: { reason: 'ContainerCreating' } })).problem).toBeUndefined();
  const message = `${'x'.repeat(5_000)} the end`;
  expect(pod(container({ waiting: { reason: 'ImagePullBackOff', message } })).problem?.message).toMatch(
    /^.{490,500}$/,
  );
});

it('a heartbeat changes nothing of a node view', () => {
  const node = (time: string) =>
    nodeView({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n', resourceVersion: '1' },
      status: { conditions: [{ type: 'Ready', lastHeartbeatTime: time }], nodeInfo: { kernelVersion: K1 } },
    });
  expect(node('1')).toEqual(node('2'));
});

it('a Module as an upstream hub ships it is accepted', () => {
  const shipped = moduleObject();
  const metadata = {
    ...shipped.metadata,
    creationTimestamp: null as unknown as string,
    uid: 'u',
    generation: 1,
  };
  const { checked } = moduleView({ ...shipped, metadata, status: { moduleLoader: {}, devicePlugin: {} } });
  expect(checked).toMatchObject({ ok: true });
  expect(checkModule({ ...shipped, spec: {} }).ok).toBe(false);
});

it.each([
  [
    'of a loader that goes',
    true,
    true,
    { outcome: 'stays', words: 'modprobe: FATAL: Module kmod is in use.' },
  ],
  ['not of one that only starts anew', true, false, undefined],
  ['not of a plugin', false, true, undefined],
])("modprobe's words about a module that stays are told %s", (_which, isLoader, isDeleting, told) => {
  const terminated = { exitCode: 0, message: 'modprobe: FATAL: Module kmod is in use.\n' };
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      labels: { [LABELS.moduleName]: 'kmod', ...(isLoader && { [LABELS.kernelVersion]: K1 }) },
      ...(isDeleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    status: container({ terminated }),
  };
  expect(podView(object).unloading).toEqual(told);
});

it('of a loader that its kubelet has lost nobody knows whether its module left', () => {
  const message = 'The container could not be located when the pod was deleted.';
  const terminated = { exitCode: 137, reason: 'ContainerStatusUnknown', message };
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      labels: { [LABELS.moduleName]: 'kmod', [LABELS.kernelVersion]: K1 },
      deletionTimestamp: '2026-01-01T00:00:00Z',
    },
    status: container({ terminated }),
  };
  expect(podView(object).unloading).toBeUndefined();
});

it('what the container before a loader has read of the node is kept, and is no failed hook of its own', () => {
  const reader = (status: object) => ({ initContainerStatuses: [{ name: 'firmware-path', ...status }] });
  const ended = (message?: string) =>
    pod(reader({ ready: true, state: { terminated: { exitCode: 0, ...(message && { message }) } } }));
  expect(ended('/var/lib/firmware\n').firmwarePath).toBe('/var/lib/firmware');
  expect(ended().firmwarePath).toBe('');
  expect(pod(container({ running: {} })).firmwarePath).toBeUndefined();
  // It runs again after the node has crashed.
  const lastState = { terminated: { exitCode: 0, reason: 'Completed' } };
  expect(pod(reader({ ready: false, state: { running: {} }, lastState }))).toMatchObject({
    problem: undefined,
  });
});
