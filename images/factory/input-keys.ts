import type { ModuleImage } from '@kmm-fleet/api';

/** The catalogue, the stream and the systems of nodes together: what tells which image DTK_AUTO is. */
export const TOOLKITS = 'Toolkits';

/** `Kind/namespace/name` of all that a recipe refers to, and whether its Dockerfile may ask for a toolkit. Pure. */
export function inputKeys({ spec }: Pick<ModuleImage, 'spec'>): string[] {
  const { namespace } = spec.module;
  const secrets = [
    spec.imageRepoSecret,
    spec.sign?.keySecret,
    spec.sign?.certSecret,
    ...(spec.build?.secrets ?? []),
  ];
  const names = secrets.map((reference) => reference?.name).filter((name) => name !== undefined);
  const configMap = spec.build?.dockerfileConfigMap.name;
  return [
    ...new Set(names.map((name) => `Secret/${namespace}/${name}`)),
    ...(configMap ? [`ConfigMap/${namespace}/${configMap}`] : []),
    ...(spec.build ? [TOOLKITS] : []),
  ];
}
