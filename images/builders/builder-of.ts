import { join } from 'node:path';
import type { ImageSettings } from '@kmm-fleet/api';
import { OPERATOR } from '@kmm-fleet/api';
import type { Clock, KubeClient } from '@kmm-fleet/runtime';
import type { Registry } from '../registry/registry.ts';
import { createBuildah } from './buildah.ts';
import type { Builder } from './builder.ts';
import { createJobBuilder } from './job-builder.ts';
import { createOpenshiftBuilder } from './openshift-builder.ts';

export interface BuilderPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly registry: Registry;
  /** Of the operator: Jobs and Builds are made there. */
  readonly namespace: string;
  /** Extra certificate authorities of registries, PEM. */
  readonly ca?: string | undefined;
  /** The command by which people read a log. */
  readonly readLog: (file: string) => string;
}

/** The builder that an operator is configured for; undefined: somebody else builds. */
export function builderOf(settings: ImageSettings, ports: BuilderPorts): Builder | undefined {
  const bytesMax = settings.KMM_BUILD_GIB_MAX * 1024 ** 3;
  const directory = settings.KMM_BUILD_DIR;
  const { requests, limits } = settings.KMM_BUILD_RESOURCES;
  const onCluster = {
    ...ports,
    directory: join(directory, 'logs'),
    bytesMax,
    minutesMax: settings.KMM_BUILD_MINUTES_MAX,
    resources: { requests, limits },
  };
  switch (settings.KMM_BUILDER) {
    case 'buildah':
      return createBuildah({ directory, ca: ports.ca, bytesMax, readLog: ports.readLog });
    case 'job':
      return createJobBuilder({
        ...onCluster,
        image: settings.KMM_BUILD_IMAGE ?? '',
        pullSecret: settings.KMM_BUILD_PULL_SECRET,
        account: OPERATOR.builderServiceAccount,
        tolerations: settings.KMM_BUILD_TOLERATIONS,
      });
    case 'openshift':
      return createOpenshiftBuilder(onCluster);
    case 'external':
      return undefined;
  }
}
