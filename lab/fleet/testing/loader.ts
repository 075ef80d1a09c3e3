import { OPERATOR } from '@kmm-fleet/api';
import { type ModuleShape, makeModule } from '@kmm-fleet/images/testing';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Container, Volume } from '../node/pod.ts';

export const KERNEL = '6.1.0-1-amd64';

export const MODULE_A: ModuleShape = { name: 'kmm_a', kernel: KERNEL, exports: ['kmm_scale'] };
export const MODULE_B: ModuleShape = {
  name: 'kmm_b',
  kernel: KERNEL,
  depends: ['kmm_a'],
  needs: ['kmm_scale'],
};

/** Files of an image with these modules in it. @param treat may sign a module, or spoil it */
export function moduleFiles(
  shapes: readonly ModuleShape[],
  treat: (file: Uint8Array) => Uint8Array = (file) => file,
  kernel = KERNEL,
): Record<string, string | Uint8Array> {
  const directory = `/opt/lib/modules/${kernel}`;
  const files = shapes.map((shape) => [`${directory}/${shape.name}.ko`, treat(makeModule(shape))] as const);
  const present = new Set(shapes.map(({ name }) => name));
  const lines = shapes.map(({ name, depends = [] }) => {
    const needs = depends.filter((other) => present.has(other)).map((other) => ` ${other}.ko`);
    return `${name}.ko:${needs.join('')}\n`;
  });
  return { ...Object.fromEntries(files), [`${directory}/modules.dep`]: lines.join('') };
}

export interface LoaderShape {
  readonly name?: string;
  readonly image: string;
  readonly load?: string;
  readonly unload?: string;
  readonly command?: readonly string[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly volumes?: readonly Volume[];
  readonly finalizers?: readonly string[];
}

/** A DaemonSet whose hooks load and unload, as the operator makes them. */
export function loaderDaemonSet(shape: LoaderShape): KubeObject {
  const { name = 'loader', volumes = [], nodeSelector, finalizers = [] } = shape;
  const labels = { loader: name };
  const hook = (command: string) => ({ exec: { command: ['/bin/sh', '-c', command] } });
  const load = shape.load ?? 'modprobe -v -d /opt kmm_b 2>/dev/termination-log';
  const unload = shape.unload ?? 'modprobe -rv -d /opt kmm_b 2>>/dev/termination-log';
  const container: Container = {
    name: 'module-loader',
    image: shape.image,
    command: shape.command ?? ['sleep', 'infinity'],
    lifecycle: { postStart: hook(load), preStop: hook(unload) },
    securityContext: { capabilities: { add: ['SYS_MODULE'] }, runAsUser: 0 },
    volumeMounts: volumes.map(({ name: volume, hostPath }) => ({
      name: volume,
      mountPath: hostPath?.path ?? '/none',
    })),
  };
  const spec = {
    shareProcessNamespace: true,
    containers: [container],
    imagePullSecrets: [{ name: 'pull' }],
    ...(nodeSelector && { nodeSelector }),
    ...(volumes.length > 0 && { volumes }),
  };
  const template = {
    metadata: { labels, ...(finalizers.length > 0 && { finalizers: [...finalizers] }) },
    spec,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: OPERATOR.namespace },
    spec: { selector: { matchLabels: labels }, template },
  };
}
