import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeFinding } from '../finding.ts';
import { checkManagedClusterModule, checkModule } from './check.ts';

const modprobe = { moduleName: 'kmod' };
const mapping = { regexp: '^.+$', containerImage: 'quay.io/org/kmod:1' };
const secrets = { keySecret: { name: 'k' }, certSecret: { name: 'c' } };
const module = (container: object = {}, spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
  kind: 'Module',
  metadata: { name: 'kmod', namespace: 'default', ...metadata },
  spec: {
    selector: {},
    moduleLoader: { container: { modprobe, kernelMappings: [mapping], ...container } },
    ...spec,
  },
});
const mcm = (spec: object = {}, name = 'kmod') => ({
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name },
  spec: { moduleSpec: module().spec, spokeNamespace: 'default', selector: {}, ...spec },
});
const at = 'spec.moduleLoader.container';
const first = `${at}.kernelMappings[0]`;

it.each([
  { name: 'a small module', object: module() },
  { name: 'raw arguments', object: module({ modprobe: { rawArgs: { load: ['a'], unload: ['-r', 'a'] } } }) },
  {
    name: 'a loading order',
    object: module({ modprobe: { ...modprobe, modulesLoadingOrder: ['kmod', 'dep'] } }),
  },
  {
    name: 'names that the container completes',
    object: module({
      sign: { ...secrets, unsignedImage: 'a:1' },
      kernelMappings: [{ ...mapping, sign: { keySecret: {}, certSecret: {} } }],
    }),
  },
  {
    name: 'only a device plugin',
    object: module(
      {},
      {
        moduleLoader: undefined,
        devicePlugin: {
          container: { image: 'p:1', env: [{ any: 'thing' }] },
          initContainer: { image: 'i:1' },
        },
      },
    ),
  },
  {
    name: 'what the API server adds to metadata',
    object: module({}, {}, { managedFields: [], selfLink: 'x' }),
  },
])('accepts $name', ({ object }) => {
  expect(checkModule(object)).toMatchObject({ ok: true, warnings: [] });
});

it.each([
  {
    name: 'an unknown field',
    object: module({ kernelMapping: [] }),
    reason: 'UnknownField',
    path: `${at}.kernelMapping`,
  },
  {
    name: 'a wrong type',
    object: module({ kernelMappings: 'all' }),
    reason: 'FieldInvalid',
    path: `${at}.kernelMappings`,
  },
  {
    name: 'a missing field',
    object: module({ modprobe: undefined }),
    reason: 'FieldMissing',
    path: `${at}.modprobe`,
  },
  {
    name: 'no mappings',
    object: module({ kernelMappings: [] }),
    reason: 'FieldInvalid',
    path: `${at}.kernelMappings`,
  },
  {
    name: 'both matches',
    object: module({ kernelMappings: [{ ...mapping, literal: 'x' }] }),
    reason: 'FieldsExclusive',
    path: first,
  },
  {
    name: 'no match',
    object: module({ kernelMappings: [{ containerImage: 'a:1' }] }),
    reason: 'MatchMissing',
    path: first,
  },
  {
    name: 'a bad regexp',
    object: module({ kernelMappings: [{ ...mapping, regexp: '(' }] }),
    reason: 'RegexpInvalid',
    path: `${first}.regexp`,
  },
  {
    name: 'a look-ahead',
    object: module({ kernelMappings: [{ ...mapping, regexp: '^(?=a)' }] }),
    reason: 'RegexpInvalid',
    path: `${first}.regexp`,
  },
  {
    name: 'braces in filesToSign',
    object: module({ sign: { ...secrets, unsignedImage: 'a:1', filesToSign: ['/a.ko', '/{a,b}.ko'] } }),
    reason: 'GlobInvalid',
    path: `${at}.sign.filesToSign[1]`,
  },
  {
    name: 'a name in filesToSign that no file can have',
    object: module({ sign: { ...secrets, unsignedImage: 'a:1', filesToSign: [`/opt/${'a'.repeat(256)}`] } }),
    reason: 'GlobInvalid',
    path: `${at}.sign.filesToSign[0]`,
  },
  {
    name: 'an extended glob in filesToSign of a mapping',
    object: module({
      kernelMappings: [
        { ...mapping, sign: { ...secrets, unsignedImage: 'a:1', filesToSign: ['/+(a|b).ko'] } },
      ],
    }),
    reason: 'GlobInvalid',
    path: `${first}.sign.filesToSign[0]`,
  },
  {
    name: 'no image',
    object: module({ kernelMappings: [{ regexp: '.' }] }),
    reason: 'ImageMissing',
    path: `${first}.containerImage`,
  },
  {
    name: 'raw arguments beside a name',
    object: module({ modprobe: { ...modprobe, rawArgs: { load: ['a'] } } }),
    reason: 'FieldsExclusive',
    path: `${at}.modprobe.rawArgs`,
  },
  {
    name: 'half of the raw arguments',
    object: module({ modprobe: { rawArgs: { load: ['a'] } } }),
    reason: 'ModuleNameMissing',
    path: `${at}.modprobe.moduleName`,
  },
  {
    name: 'an order of one',
    object: module({ modprobe: { ...modprobe, modulesLoadingOrder: ['kmod'] } }),
    reason: 'LoadingOrderInvalid',
    path: `${at}.modprobe.modulesLoadingOrder`,
  },
  {
    name: 'an order with another first',
    object: module({ modprobe: { ...modprobe, modulesLoadingOrder: ['dep', 'kmod'] } }),
    reason: 'LoadingOrderInvalid',
    path: `${at}.modprobe.modulesLoadingOrder`,
  },
  {
    name: 'an order that repeats',
    object: module({ modprobe: { ...modprobe, modulesLoadingOrder: ['kmod', 'kmod'] } }),
    reason: 'LoadingOrderInvalid',
    path: `${at}.modprobe.modulesLoadingOrder`,
  },
  {
    name: 'both in-tree forms',
    object: module({ inTreeModuleToRemove: 'a', inTreeModulesToRemove: ['b'] }),
    reason: 'FieldsExclusive',
    path: at,
  },
  {
    name: 'in-tree forms mixed over levels',
    object: module({
      inTreeModuleToRemove: 'a',
      kernelMappings: [{ ...mapping, inTreeModulesToRemove: ['b'] }],
    }),
    reason: 'FieldsExclusive',
    path: first,
  },
  {
    name: 'nothing to sign',
    object: module({ sign: secrets }),
    reason: 'UnsignedImageMissing',
    path: `${first}.sign.unsignedImage`,
  },
  {
    name: 'a Secret without name',
    object: module({ sign: { ...secrets, certSecret: {}, unsignedImage: 'a:1' } }),
    reason: 'NameMissing',
    path: `${first}.sign.certSecret.name`,
  },
  {
    name: 'a build without Dockerfile',
    object: module({ build: { dockerfileConfigMap: {} } }),
    reason: 'NameMissing',
    path: `${first}.build.dockerfileConfigMap.name`,
  },
  {
    name: 'plugin and DRA driver',
    object: module(
      {},
      {
        devicePlugin: { container: { image: 'p:1' } },
        dra: { container: { image: 'd:1' }, driverName: 'd.io' },
      },
    ),
    reason: 'FieldsExclusive',
    path: 'spec',
  },
  {
    name: 'long names',
    object: module({}, {}, { name: 'a'.repeat(35) }),
    reason: 'NameTooLong',
    path: 'metadata.name',
  },
  {
    name: 'a toleration of nothing',
    object: module({}, { tolerations: [{ value: 'x' }] }),
    reason: 'TolerationInvalid',
    path: 'spec.tolerations[0].operator',
  },
  {
    name: 'a duration without eviction',
    object: module({}, { tolerations: [{ operator: 'Exists', tolerationSeconds: 1 }] }),
    reason: 'TolerationInvalid',
    path: 'spec.tolerations[0].tolerationSeconds',
  },
  { name: 'another kind', object: { ...module(), kind: 'Pod' }, reason: 'FieldInvalid', path: 'kind' },
])('refuses $name at the field, with the next step', ({ object, reason, path }) => {
  const checked = checkModule(object);
  const findings = checked.ok ? [] : checked.findings;
  expect(findings.map(({ reason, path }) => ({ reason, path }))).toContainEqual({ reason, path });
  expect(
    findings.every((finding) => finding.nextStep !== '' && describeFinding(finding).includes(finding.path)),
  ).toBe(true);
});

it.each([
  {
    name: 'an image without a tag',
    object: module({ containerImage: 'host:5000/kmod', kernelMappings: [{ regexp: '.' }] }),
    reason: 'ImageWithoutTag',
  },
  {
    name: 'one tag for what is built for many kernels',
    object: module({ kernelMappings: [{ ...mapping, build: { dockerfileConfigMap: { name: 'd' } } }] }),
    reason: 'ImageTagShared',
  },
  {
    name: 'nothing to load or deploy',
    object: module({}, { moduleLoader: undefined }),
    reason: 'NothingDeployed',
  },
  {
    name: 'a DRA driver',
    object: module({}, { dra: { container: { image: 'd:1' }, driverName: 'd.io' } }),
    reason: 'NotDeployed',
  },
])('accepts $name with a warning', ({ object, reason }) => {
  expect(checkModule(object)).toMatchObject({ ok: true, warnings: [{ reason, severity: 'warning' }] });
});

it.each([
  {
    name: 'names too long on the clusters',
    object: mcm({ spokeNamespace: 'n'.repeat(40) }),
    reason: 'NameTooLong',
  },
  {
    name: 'a name as namespace that is none',
    object: mcm({ spokeNamespace: 'Open_Shift' }),
    reason: 'NamespaceInvalid',
  },
  { name: 'a missing namespace', object: mcm({ spokeNamespace: undefined }), reason: 'FieldMissing' },
  {
    name: 'a mistake within',
    object: mcm({ moduleSpec: module({ kernelMappings: [{ ...mapping, regexp: '[' }] }).spec }),
    reason: 'RegexpInvalid',
  },
])('refuses a ManagedClusterModule with $name', ({ object, reason }) => {
  expect(checkManagedClusterModule(object)).toMatchObject({ ok: false, findings: [{ reason }] });
});

it('warns of each placeholder of a ManagedClusterModule at its own field', () => {
  const loader = module({ modprobe: { moduleName: '<your module name>' } }).spec;
  const checked = checkManagedClusterModule(
    mcm({ moduleSpec: loader, spokeNamespace: '<some-namespace>' }, '<my-mcm>'),
  );

  expect(checked.ok && checked.warnings.map(({ reason, path }) => `${reason} ${path}`)).toEqual([
    'Placeholder metadata.name',
    'Placeholder spec.moduleSpec.moduleLoader.container.modprobe.moduleName',
    'Placeholder spec.spokeNamespace',
  ]);
});

it.each([
  ['in an object', module({ modprobe: { moduleNam: 'kmod' } }), 'moduleName'],
  ['in a list', module({ kernelMappings: [{ ...mapping, regex: '.' }] }), 'regexp'],
  ['at the top of the spec', module({}, { moduleLoder: {} }), 'moduleLoader'],
])('names the field that an unknown one is meant to be: %s', (_where, object, meant) => {
  const checked = checkModule(object);
  expect(checked.ok ? [] : checked.findings).toMatchObject([
    { reason: 'UnknownField', nextStep: `Did you mean ${meant}? Check the spelling or remove it.` },
  ]);
});

it('accepts a ManagedClusterModule, filling in defaults', () => {
  expect(checkManagedClusterModule(mcm())).toMatchObject({
    ok: true,
    value: { spec: { moduleSpec: { moduleLoader: { container: { modprobe: { dirName: '/opt' } } } } } },
  });
});

it('answers anything at all with sorted findings, the same each time, and never throws', () => {
  fc.assert(
    fc.property(fc.object(), fc.anything(), (spec, other) => {
      for (const object of [
        { ...module(), spec },
        mcm({ moduleSpec: spec }),
        module({ modprobe: other }),
        other,
      ]) {
        const [once, again] = [checkModule(object), checkModule(object)];
        expect(JSON.stringify(once)).toBe(JSON.stringify(again));
        const paths = once.ok ? [] : once.findings.map(({ path }) => path);
        expect(paths).toEqual(paths.toSorted());
        checkManagedClusterModule(object);
      }
    }),
  );
});

it('takes an object whatever its status holds: that is its writer’s business', () => {
  const module = {
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata: { name: 'a' },
    spec: { selector: {} },
    status: { fieldOfAnotherVersion: 7 },
  };

  expect(checkModule(module).ok).toBe(true);
  expect(checkModule({ ...module, status: null }).ok).toBe(true);
});
