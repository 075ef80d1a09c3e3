import { apiVersionOf } from '@kmm-fleet/runtime';
import type { HostedKind } from '../kinds.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Answers of the discovery paths, or undefined for a path that is none of them. */
export function discover(path: string, kinds: readonly HostedKind[]): object | undefined {
  if (path === '/version') return VERSION;
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(kinds) };
  const [, group = '', version] = /^\/(?:api|apis\/([^/]+))(?:\/(v[^/]+))?$/.exec(path) ?? [];
  if (version) return resources(group, version, kinds);
  return groups(kinds).find(({ name }) => name === group);
}

const VERSION = {
  major: '1',
  minor: '31',
  gitVersion: 'v1.31.0+kmm-lab',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'linux/amd64',
};

function groups(kinds: readonly HostedKind[]) {
  const names = [...new Set(kinds.map(({ group }) => group))].filter(Boolean).sort();
  return names.map((name) => {
    const versions = [
      ...new Set(kinds.filter(({ group }) => group === name).map(({ version }) => version)),
    ].sort();
    const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { kind: 'APIGroup', apiVersion: 'v1', name, versions: entries, preferredVersion: entries[0] };
  });
}

function resources(group: string, version: string, kinds: readonly HostedKind[]): object | undefined {
  const own = kinds.filter((kind) => kind.group === group && kind.version === version);
  const [first] = own;
  if (!first) return undefined;
  const list = own.flatMap((kind) => {
    const { plural, singular, namespaced, kind: name, shortNames, categories } = kind;
    const main = {
      name: plural,
      singularName: singular,
      namespaced,
      kind: name,
      verbs: VERBS,
      shortNames,
      categories,
    };
    const status = {
      name: `${plural}/status`,
      singularName: '',
      namespaced,
      kind: name,
      verbs: ['get', 'patch', 'update'],
    };
    return kind.hasStatus ? [main, status] : [main];
  });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(first), resources: list };
}
