import { OPERATOR } from '@kmm-fleet/api';
import { signModule } from '@kmm-fleet/images';
import { makeModule, testPair } from '@kmm-fleet/images/testing';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import {
  KERNEL,
  type LoaderShape,
  loaderDaemonSet,
  MODULE_A,
  MODULE_B,
  moduleFiles,
} from '../testing/loader.ts';
import { dockerConfig, pullSecret, type Simulation, simulateFleet } from '../testing/simulation.ts';
import { NODE_ANNOTATIONS, type NodeOptions } from './node.ts';

const { namespace } = OPERATOR;
const OTHER_KERNEL = '6.12.0-1-amd64';

let simulation: Simulation | undefined;
afterEach(async () => {
  await simulation?.stop();
  simulation = undefined;
});

interface ContainerStatus {
  readonly restartCount: number;
  readonly ready: boolean;
  readonly imageID: string;
  readonly state: {
    readonly waiting?: { readonly reason: string; readonly message: string };
    readonly terminated?: { readonly finishedAt?: string };
  };
  readonly lastState: {
    readonly terminated?: { readonly reason: string; readonly exitCode: number; readonly message?: string };
  };
}

async function startNode(
  options: Partial<NodeOptions> = {},
  secrets: readonly KubeObject[] = [pullSecret()],
) {
  const made = simulateFleet([{ name: 'c1', nodes: [{ name: 'n1', kernel: KERNEL, ...options }] }]);
  simulation = made;
  const client = made.spoke();
  for (const secret of secrets) await client.create(CORE.secret, secret);
  const list = async (type: typeof CORE.pod) => {
    const items: KubeObject[] = [];
    for await (const page of client.list(type, { namespace })) items.push(...page.items);
    return items;
  };
  const pod = async () => (await list(CORE.pod))[0];
  const container = async () => {
    const status = (await pod())?.['status'] as { containerStatuses?: ContainerStatus[] } | undefined;
    return status?.containerStatuses?.[0];
  };
  return {
    ...made,
    client,
    n1: made.node('n1'),
    pod,
    container,
    load: (shape: LoaderShape) => client.create(CORE.daemonSet, loaderDaemonSet(shape)),
    unload: () => client.delete(CORE.daemonSet, { namespace, name: 'loader' }),
    waiting: (reason: string) =>
      made.until(reason, async () => {
        const found = await container();
        return found?.state.waiting?.reason === reason && found;
      }),
    ready: () => made.until('a ready pod', async () => (await container())?.ready),
    events: async () => (await list(CORE.event)).map((event) => `${event['reason']}: ${event['message']}`),
    modules: () =>
      made
        .node('n1')
        .modules()
        .map(({ name }) => name),
  };
}

describe('a loader pod', () => {
  it('loads what its hook asks for, shows it on the Node, and unloads it when it goes', async () => {
    const { load, unload, ready, modules, client, push, until, pod, container } = await startNode();
    const image = await push('kmod', moduleFiles([MODULE_A, MODULE_B]));
    await load({ image });
    await ready();
    expect(modules()).toEqual(['kmm_a', 'kmm_b']);
    expect((await container())?.imageID).toBe(image);
    const shown = async () =>
      (await client.get(CORE.node, { name: 'n1' }))?.metadata.annotations?.[NODE_ANNOTATIONS.modules];
    await until('the annotation', async () => (await shown()) === 'kmm_a,kmm_b');

    await unload();
    await until('the end of the pod', async () => (await pod()) === undefined);
    expect(modules()).toEqual([]);
    await until('no annotation', async () => (await shown()) === undefined);
  });

  it('that went keeps its object as long as somebody’s finalizer asks for it', async () => {
    const { load, unload, ready, modules, client, push, until, pod } = await startNode();
    await load({ image: await push('kmod', moduleFiles([MODULE_A, MODULE_B])), finalizers: ['kmm/unload'] });
    await ready();
    await unload();
    const kept = await until('the end of the container', async () => {
      const found = await pod();
      return found?.metadata.deletionGracePeriodSeconds === 0 && found;
    });
    expect(modules()).toEqual([]);
    await client.mergePatch(CORE.pod, kept.metadata, { metadata: { finalizers: null } }, {});
    await until('the end of the object', async () => (await pod()) === undefined);
  });

  it('whose module is in use leaves it, and says so in an event', async () => {
    const { load, unload, ready, modules, push, until, pod, n1, events } = await startNode();
    await load({ image: await push('kmod', moduleFiles([MODULE_A, MODULE_B])) });
    await ready();
    n1.use('kmm_b', 1);
    await unload();
    await until('the end of the pod', async () => (await pod()) === undefined);
    expect(modules()).toEqual(['kmm_a', 'kmm_b']);
    expect(await events()).toContain('FailedPreStopHook: PreStopHook failed');
  });

  it('whose hook outlasts its grace period is stopped, and what the hook had not done is not done', async () => {
    const { load, unload, ready, modules, push, until, pod, container } = await startNode();
    const image = await push('kmod', moduleFiles([MODULE_A]));
    const hooks = { load: 'modprobe -d /opt kmm_a', unload: 'sleep 60; modprobe -r -d /opt kmm_a' };
    await load({ image, ...hooks, finalizers: ['kmm/unload'] });
    await ready();
    await unload();
    const { deletionTimestamp = '' } = await until('nothing but the finalizer', async () => {
      const metadata = (await pod())?.metadata;
      return metadata?.deletionGracePeriodSeconds === 0 && metadata;
    });
    const { finishedAt = '' } = (await container())?.state.terminated ?? {};
    const tookMs = Date.parse(finishedAt) - Date.parse(deletionTimestamp);
    expect(Math.floor(tookMs / 5_000) * 5).toBe(30);
    expect(modules()).toEqual(['kmm_a']);
  });

  it('shares the firmware directory with the node', async () => {
    const { load, ready, push, n1 } = await startNode();
    const shape = { ...MODULE_A, parameters: ['fw'], firmware: ['demo.bin'] };
    const image = await push('kmod', { ...moduleFiles([shape]), '/firmware/demo.bin': 'FIRMWARE' });
    const hostPath = { path: '/var/lib/firmware', type: 'DirectoryOrCreate' };
    const load1 = 'cp -r /firmware/. /var/lib/firmware && modprobe -d /opt kmm_a fw=demo.bin';
    await load({ image, load: load1, volumes: [{ name: 'firmware', hostPath }] });
    await ready();
    expect(Buffer.from(n1.readFile('/var/lib/firmware/demo.bin') ?? []).toString()).toBe('FIRMWARE');
    expect(n1.dmesg()).toContain('kmm_a kmm_a: firmware: direct-loading firmware demo.bin');
  });
});

describe('a hook that fails says why, in the kernel’s words', () => {
  const mine = testPair('rsa');
  const signed = (pair: ReturnType<typeof testPair>) => (file: Uint8Array) =>
    signModule(file, pair, 'sha256');
  const tampered = (file: Uint8Array) => {
    const bytes = Buffer.from(signed(mine)(file));
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    return bytes;
  };
  const secure = { secureBoot: true, trusted: [mine.certificate] };
  const both = [MODULE_A, MODULE_B];
  const could = (module: string, why: string) => `modprobe: ERROR: could not insert '${module}': ${why}\n`;
  const rejected = could('kmm_b', 'Key was rejected by service');

  it.each<{
    name: string;
    files: Record<string, string | Uint8Array>;
    node?: Partial<NodeOptions>;
    load?: string;
    words: string;
    dmesg?: RegExp;
  }>([
    {
      name: 'a module that is not in the image',
      files: moduleFiles([MODULE_A]),
      words: `modprobe: FATAL: Module kmm_b not found in directory /opt/lib/modules/${KERNEL}\n`,
    },
    {
      name: 'a wrong dirName',
      files: moduleFiles(both),
      load: 'modprobe -v -d /srv kmm_b 2>/dev/termination-log',
      words: `modprobe: FATAL: Module kmm_b not found in directory /srv/lib/modules/${KERNEL}\n`,
    },
    {
      name: 'an image for another kernel',
      files: moduleFiles(both, undefined, OTHER_KERNEL),
      words: `modprobe: FATAL: Module kmm_b not found in directory /opt/lib/modules/${KERNEL}\n`,
    },
    {
      name: 'the vermagic of another kernel',
      files: moduleFiles(both.map((shape) => ({ ...shape, kernel: OTHER_KERNEL }))),
      words: could('kmm_b', 'Exec format error'),
      dmesg: /^kmm_a: disagrees about version of symbol module_layout$/,
    },
    {
      name: 'a dependency that is not there',
      files: moduleFiles([MODULE_B]),
      words: could('kmm_b', 'Unknown symbol in module, or unknown parameter (see dmesg)'),
      dmesg: /^kmm_b: Unknown symbol kmm_scale \(err -2\)$/,
    },
    {
      name: 'an unsigned module under Secure Boot',
      files: moduleFiles(both),
      node: secure,
      words: rejected,
      dmesg: /^Loading of unsigned module is rejected$/,
    },
    {
      name: 'a foreign signature under Secure Boot',
      files: moduleFiles(both, signed(testPair('stranger'))),
      node: secure,
      words: rejected,
      dmesg: /^Loading of module with unavailable key is rejected$/,
    },
    {
      name: 'a module that was changed after it was signed',
      files: moduleFiles(both, tampered),
      node: secure,
      words: rejected,
    },
    {
      name: 'a hook whose program the image lacks',
      files: moduleFiles(both),
      load: 'insmod /opt/x.ko 2>/dev/termination-log',
      words: '/bin/sh: 1: insmod: not found\n',
    },
  ])('$name', async ({ files, node = {}, load: hook, words, dmesg }) => {
    const { load, waiting, push, container, modules, n1, events } = await startNode(node);
    await load({ image: await push('kmod', files), ...(hook && { load: hook }) });
    const failed = await waiting('PostStartHookError');
    expect(failed.state.waiting?.message).toMatch(/exited with (1|127):/);
    expect(failed.lastState.terminated).toMatchObject({ exitCode: 143, reason: 'Error' });
    expect(failed.lastState.terminated?.message).toContain(words);
    expect(await events()).toContain('FailedPostStartHook: PostStartHook failed');
    expect(modules().filter((name) => name === 'kmm_b')).toEqual([]);
    expect(n1.dmesg().some((line) => dmesg?.test(line))).toBe(dmesg !== undefined);

    const looping = await waiting('CrashLoopBackOff');
    expect(looping.state.waiting?.message).toMatch(/^back-off 10s restarting failed container=module-loader/);
    expect((await container())?.lastState.terminated?.message).toContain(words);
  });

  it('and says it in the pod even when the hook wrote no termination message', async () => {
    const { load, waiting, push } = await startNode();
    await load({ image: await push('kmod', moduleFiles([])), load: 'modprobe -v -d /opt kmm_b' });
    const { state } = await waiting('PostStartHookError');
    expect(state.waiting?.message).toMatch(
      /^Exec lifecycle hook \(\[\/bin\/sh -c modprobe -v -d \/opt kmm_b\]\) for Container "module-loader" in Pod "loader-\w+_openshift-kmm\([\w-]+\)" failed - error: command .* exited with 1: modprobe: FATAL: Module kmm_b not found/,
    );
  });

  it('while a module that the node trusts is loaded under Secure Boot, and taints less', async () => {
    const { load, ready, push, modules, n1 } = await startNode(secure);
    await load({ image: await push('kmod', moduleFiles(both, signed(mine))) });
    await ready();
    expect(modules()).toEqual(['kmm_a', 'kmm_b']);
    expect(n1.modules().map(({ taint }) => taint)).toEqual([4_096, 4_096]);
  });

  it('and is tried again later and later, ten seconds doubled up to five minutes', async () => {
    const { load, push, clock, container } = await startNode();
    await load({ image: await push('kmod', moduleFiles([])) });
    const backOffs = new Set<string>();
    for (let second = 0; second < 1_500; second++) {
      await clock.advance(1_000);
      const message = (await container())?.state.waiting?.message ?? '';
      const [, wait] = /^back-off (\S+) restarting/.exec(message) ?? [];
      if (wait) backOffs.add(wait);
    }
    expect([...backOffs]).toEqual(['10s', '20s', '40s', '1m20s', '2m40s', '5m0s']);
    expect((await container())?.restartCount).toBeGreaterThanOrEqual(8);
  });
});

describe('an image that cannot be pulled', () => {
  it('is waited for with the registry’s words, and pulled when the secret comes', async () => {
    const { load, push, waiting, client, ready } = await startNode({}, []);
    const image = await push('kmod', moduleFiles([MODULE_A, MODULE_B]));
    await load({ image });
    const failed = await waiting('ErrImagePull');
    expect(failed.state.waiting?.message).toMatch(
      /failed to resolve reference "registry\.test:5000\/kmod@sha256/,
    );
    expect(failed.state.waiting?.message).toMatch(/401|unauthorized/i);
    expect((await waiting('ImagePullBackOff')).state.waiting?.message).toMatch(/^Back-off pulling image "/);
    await client.create(CORE.secret, pullSecret());
    await ready();
  });

  it.each([
    { name: 'a wrong password', config: dockerConfig({ username: 'kmm', password: 'no' }), tag: '1' },
    { name: 'a tag that is not there', config: dockerConfig(), tag: 'none' },
  ])('because of $name', async ({ config, tag }) => {
    const { load, push, waiting, events } = await startNode({}, [pullSecret(config)]);
    await push('kmod', moduleFiles([MODULE_A]));
    await load({ image: `registry.test:5000/kmod:${tag}` });
    const { state } = await waiting('ErrImagePull');
    expect(state.waiting?.message).toMatch(tag === 'none' ? /: not found$/ : /401|unauthorized/i);
    expect((await events()).join('\n')).toContain('Failed: Failed to pull image "registry.test:5000/kmod');
  });

  it('because its name is none', async () => {
    const { load, waiting } = await startNode();
    await load({ image: 'registry.test:5000/UPPER' });
    expect((await waiting('InvalidImageName')).state.waiting?.message).toContain('invalid reference format');
  });
});

it('does not start a container whose program the image lacks', async () => {
  const { load, push, waiting } = await startNode();
  await load({ image: await push('kmod', {}), command: ['nothing'] });
  const { state, lastState } = await waiting('RunContainerError');
  expect(state.waiting?.message).toContain('exec: "nothing": executable file not found in $PATH');
  expect(lastState.terminated).toMatchObject({ reason: 'StartError', exitCode: 128 });
});

it('does not start a pod that wants the modules of a kernel that the node does not have', async () => {
  const { load, push, until, events, pod } = await startNode();
  const hostPath = { path: `/lib/modules/${OTHER_KERNEL}`, type: 'Directory' };
  await load({ image: await push('kmod', {}), volumes: [{ name: 'modules', hostPath }] });
  await until('FailedMount', async () => (await events()).find((text) => text.startsWith('FailedMount')));
  expect(await events()).toContain(
    `FailedMount: MountVolume.SetUp failed for volume "modules" : hostPath type check failed: ${hostPath.path} is not a directory`,
  );
  expect((await pod())?.['status']).toMatchObject({ phase: 'Pending' });
});

describe('a node that boots', () => {
  it('has lost its modules, has another boot id, and starts its pods again', async () => {
    const { load, ready, push, until, client, n1, container, modules, pod, events } = await startNode();
    await load({ image: await push('kmod', moduleFiles([MODULE_A, MODULE_B])) });
    await ready();
    const { bootId } = n1;
    const uid = (await pod())?.metadata.uid;
    n1.reboot();
    expect(modules()).toEqual([]);
    await until('a restart', async () => {
      const found = await container();
      return found?.restartCount === 1 && found.ready;
    });
    expect((await container())?.lastState.terminated).toMatchObject({ exitCode: 255, reason: 'Unknown' });
    expect((await pod())?.metadata.uid).toBe(uid);
    expect(modules()).toEqual(['kmm_a', 'kmm_b']);
    const node = await client.get(CORE.node, { name: 'n1' });
    expect(node?.['status']).toMatchObject({ nodeInfo: { bootID: n1.bootId } });
    expect(n1.bootId).not.toBe(bootId);
    expect(await events()).toContain(
      'SandboxChanged: Pod sandbox changed, it will be killed and re-created.',
    );
  });

  it('takes the kernel that its annotation names, and then refuses the old image', async () => {
    const { load, ready, push, until, client, waiting, modules } = await startNode();
    await load({ image: await push('kmod', moduleFiles([MODULE_A, MODULE_B])) });
    await ready();
    const annotations = { [NODE_ANNOTATIONS.kernel]: OTHER_KERNEL };
    await client.mergePatch(CORE.node, { name: 'n1' }, { metadata: { annotations } }, {});
    await until('the new kernel', async () => {
      const node = await client.get(CORE.node, { name: 'n1' });
      const status = node?.['status'] as { nodeInfo?: { kernelVersion: string } } | undefined;
      return status?.nodeInfo?.kernelVersion === OTHER_KERNEL;
    });
    const { lastState } = await waiting('PostStartHookError');
    expect(lastState.terminated?.message).toContain(
      `modprobe: FATAL: Module kmm_b not found in directory /opt/lib/modules/${OTHER_KERNEL}\n`,
    );
    expect(modules()).toEqual([]);
  });
});

it('is silent and idle when there is nothing to do', async () => {
  const { load, ready, push, clock, server, fleet } = await startNode();
  await load({ image: await push('kmod', moduleFiles([MODULE_A, MODULE_B])) });
  await ready();
  await clock.advance(10_000);
  const writes: string[] = [];
  server().onWrite(({ method, path }) => writes.push(`${method} ${path}`));
  expect(fleet.settled()).toBe(true);
  await clock.advance(2 * 3_600_000);
  expect(writes).toEqual([]);
});

it('knows modules of its own kernel, and loads those that it needs to boot', async () => {
  const inTree = [{ name: 'dummy', isLoadedAtBoot: true }];
  const { load, ready, push, modules, n1 } = await startNode({ inTree });
  expect(modules()).toEqual(['dummy']);
  expect(n1.readFile(`/lib/modules/${KERNEL}/kernel/dummy.ko`)).toEqual(
    Buffer.from(makeModule({ name: 'dummy', kernel: KERNEL, exports: [] })),
  );
  const hostPath = { path: `/lib/modules/${KERNEL}`, type: 'Directory' };
  await load({
    image: await push('kmod', moduleFiles([MODULE_A])),
    load: 'modprobe -r dummy && modprobe -d /opt kmm_a',
    volumes: [{ name: 'modules', hostPath }],
  });
  await ready();
  expect(modules()).toEqual(['kmm_a']);
});
