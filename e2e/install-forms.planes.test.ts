import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { goTool } from '@kmm-fleet/lab';
import { EDITIONS, type EditionName, editions } from '@kmm-fleet/policies';
import type { KubeObject } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type InstallPlane,
  kmm,
  readObjects as read,
  runProgram,
  startInstallPlane,
} from './install/install-plane.ts';

const IMAGES = [
  ...['--image', `r.example.com/kmm@sha256:${'ab'.repeat(32)}`],
  ...['--must-gather-image', 'r.example.com/gather:1', '--pull-secret', 'login'],
];

/** With all that can be added: what has less is a part of it. */
const addedTo = (name: EditionName, form = 'manifests') => {
  if (form === 'olm') return ['--webhooks', 'olm'];
  return ['--webhooks', 'own', ...(name === 'hub' ? [] : ['--guard-namespaces'])];
};

const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
/** Objects, and variables of a container, in an order of their own: kustomize moves what it patches. */
const sorted = (objects: readonly KubeObject[]) =>
  objects
    .map((object) =>
      JSON.parse(JSON.stringify(object), (key, value) =>
        key === 'env' && Array.isArray(value) ? byName(value) : value,
      ),
    )
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
const byName = (variables: readonly { readonly name: string }[]) =>
  variables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
const isKind = (wanted: string) => (object: KubeObject) => object.kind === wanted;

// Helm, kustomize and the validation of Operator Lifecycle Manager, built from their Go modules, read what we print.
describe('what kmm install prints for other tools', () => {
  let plane: InstallPlane;
  const tools = new Map<string, string>();
  const tool = (name: string, ...args: readonly string[]) => runProgram(tools.get(name) ?? name, args);
  const manifests = (name: EditionName) => read(kmm('install', name, ...IMAGES, ...addedTo(name)));
  const written = (name: EditionName, form: string) => {
    const folder = join(plane.folder, `${name}-${form}`);
    kmm('install', name, ...IMAGES, ...addedTo(name, form), '--form', form, '--out', folder);
    return folder;
  };

  beforeAll(async () => {
    for (const name of ['helm', 'kustomize', 'operator-verify'] as const)
      tools.set(name, await goTool(name, () => {}));
    plane = await startInstallPlane('forms');
  });
  afterAll(() => plane?.stop());

  describe.each(EDITIONS)('%s', (name) => {
    const { namespace } = editions[name];

    it('as an overlay of kustomize is what the manifests are, object by object', () => {
      const built = tool('kustomize', 'build', join(written(name, 'kustomize'), 'overlays', name));

      expect(sorted(read(built))).toEqual(sorted(manifests(name)));
      plane.apply(built);
    });

    it('as a chart is what the manifests are, but for the namespace, and for kinds that stay', () => {
      const chart = written(name, 'helm');
      tool('helm', 'lint', '--strict', chart, ...SERVER);
      const rendered = tool('helm', 'template', 'kmm', chart, '--namespace', namespace, ...SERVER);

      const expected = manifests(name)
        .filter(({ kind }) => kind !== 'Namespace')
        .map((object) => (isKind('CustomResourceDefinition')(object) ? withKeep(object) : object));
      expect(sorted(read(rendered))).toEqual(sorted(expected));
      plane.apply(rendered);
    });

    it('as a bundle is without fault to Operator Lifecycle Manager', () => {
      const bundle = written(name, 'olm');

      expect(runQuietly(tools.get('operator-verify') ?? '', ['manifests', bundle])).toBe('');
      for (const example of examplesIn(bundle))
        plane.kubectl(['apply', '--dry-run=server', '-n', namespace, '-f', '-'], JSON.stringify(example));
    });
  });

  it('a bundle with a fault is told, so the validation looks', () => {
    const bundle = written('hub', 'olm');
    rmSync(join(bundle, 'manifests/moduleimages.hub.kmm.sigs.x-k8s.io.crd.yaml'));

    expect(runQuietly(tools.get('operator-verify') ?? '', ['manifests', bundle])).toContain('owned CRD');
  });

  describe('a release of Helm', () => {
    const helm = (...args: readonly string[]) =>
      tool('helm', ...args, '--kubeconfig', plane.kubeconfig, '--namespace', 'drivers');
    const image = () =>
      plane.kubectl([
        ...['get', 'deployment', '-n', 'drivers', 'kmm-operator-hub-controller-manager'],
        ...['-o', 'jsonpath={.spec.template.spec.containers[0].image}'],
      ]);

    let chart: string;
    beforeAll(() => {
      chart = written('hub', 'helm');
    });

    it('is in the namespace of the release, changes with it, and leaves the kinds when it goes', () => {
      // The kinds are there already, from the manifests: Helm must be told to take them over.
      helm('install', 'hub', chart, '--create-namespace', '--take-ownership');
      helm('upgrade', 'hub', chart, '--set', 'image=r.example.com/kmm:2,env.HTTPS_PROXY=http://proxy:1');
      expect(image()).toBe('r.example.com/kmm:2');
      expect(
        plane.kubectl(['auth', 'can-i', 'list', 'secrets', '-n', 'drivers', '--as', HUB_IN_DRIVERS]).trim(),
      ).toBe('yes');

      helm('uninstall', 'hub');
      expect(plane.kubectl(['get', 'deployments', '-n', 'drivers', '-o', 'name'])).toBe('');
      expect(
        plane.kubectl(['get', 'crd', 'managedclustermodules.hub.kmm.sigs.x-k8s.io', '-o', 'name']),
      ).toContain('managedclustermodules');
    });

    it.each([
      ['image=', /image/],
      ['tolerations=all', /tolerations/],
      ['nodeSelector=gpu', /nodeSelector/],
      ['env.RETRIES=3', /RETRIES/],
      ['imagee=r.example.com/kmm:2', /imagee/],
    ])('refuses %s by name', (value, words) => {
      expect(() => tool('helm', 'template', chart, '--set', value, ...SERVER)).toThrow(words);
    });
  });
});

/** Helm, built as a tool of ours, does not know a version to render for. */
const SERVER = ['--kube-version', '1.35.0'];
const HUB_IN_DRIVERS = 'system:serviceaccount:drivers:kmm-operator-hub-controller';

function withKeep(definition: KubeObject): KubeObject {
  const annotations = {
    ...(definition.metadata['annotations'] as object),
    'helm.sh/resource-policy': 'keep',
  };
  return { ...definition, metadata: { ...definition.metadata, annotations } };
}

/** Of the kinds that a bundle brings, as its ClusterServiceVersion holds them. */
function examplesIn(bundle: string): KubeObject[] {
  const folder = join(bundle, 'manifests');
  const file = readdirSync(folder).find((path) => path.includes('clusterserviceversion')) ?? '';
  const [version] = read(readFileSync(join(folder, file), 'utf8'));
  const annotations = version?.metadata['annotations'] as Readonly<Record<string, string>>;
  return JSON.parse(annotations['alm-examples'] ?? '');
}

/** What a program says on both its streams; this one tells faults in words only. */
function runQuietly(program: string, args: readonly string[]): string {
  return runProgram('sh', ['-c', '"$@" 2>&1 || true', 'sh', program, ...args]);
}
