import { OPERATOR } from '@kmm-fleet/api';

/** One entry of ConfigMap kmm-driver-toolkits: these kernels and no others are built in this image. */
export function catalogueEntry(kernels: readonly string[], image: string): Readonly<Record<string, string>> {
  const releases = kernels.toSorted();
  const escaped = releases.map((release) => release.replaceAll(/[.+]/g, String.raw`\$&`));
  const name = `toolkit-${releases[0]?.replaceAll(/[^-._a-zA-Z0-9]/g, '_') ?? ''}`;
  return { [name]: `^(${escaped.join('|')})$ ${image}` };
}

/** The command that puts entries into the catalogue of a hub, beside those that are there. */
export function catalogueCommand(entry: Readonly<Record<string, string>>): string {
  const patch = JSON.stringify({ data: entry });
  return `kubectl -n ${OPERATOR.hubNamespace} patch configmap ${OPERATOR.toolkits} --type merge -p '${patch}'`;
}
