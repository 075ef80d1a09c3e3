/** Releases of upstream since which its Module has more fields below `spec`. A spoke drops what it does not know. */
const ERAS = ['1.0', '1.1', '2.1', '2.3', '2.4', '2.6', 'main'] as const;
export type Era = (typeof ERAS)[number];

const below = (path: string, ...fields: readonly string[]) => fields.map((field) => `${path}.${field}`);

const LOADER = 'moduleLoader.container';
const tls = ['registryTLS.insecure', 'registryTLS.insecureSkipTLSVerify'];
const container = ['args', 'command', 'env', 'image', 'imagePullPolicy', 'resources', 'volumeMounts'];
const pods = ['serviceAccountName', 'volumes', ...below('container', ...container)];

/** Fields that came with an era, but for `build` and `sign`, which stay at the hub. Lists are looked through. */
const CAME_WITH: Readonly<Record<Era, readonly string[]>> = {
  '1.0': [
    'selector',
    'imageRepoSecret.name',
    'moduleLoader.serviceAccountName',
    ...below(LOADER, 'containerImage', 'imagePullPolicy', ...tls),
    ...below(`${LOADER}.kernelMappings`, 'literal', 'regexp', 'containerImage', ...tls),
    ...below(`${LOADER}.modprobe`, 'moduleName', 'dirName', 'parameters', 'firmwarePath'),
    ...below(`${LOADER}.modprobe`, 'args.load', 'args.unload', 'rawArgs.load', 'rawArgs.unload'),
    ...below('devicePlugin', ...pods),
  ],
  '1.1': [
    ...below(LOADER, 'version', 'inTreeModuleToRemove', 'kernelMappings.inTreeModuleToRemove'),
    ...below(LOADER, 'modprobe.modulesLoadingOrder'),
  ],
  '2.1': below(LOADER, 'inTreeModulesToRemove', 'kernelMappings.inTreeModulesToRemove'),
  '2.3': below('tolerations', 'key', 'operator', 'value', 'effect', 'tolerationSeconds'),
  '2.4': below('devicePlugin.initContainer', ...container),
  '2.6': ['imageRebuildTriggerGeneration', 'devicePlugin.automountServiceAccountToken'],
  main: below(
    'dra',
    ...pods,
    ...below('initContainer', ...container),
    'automountServiceAccountToken',
    'driverName',
    ...below('deviceClasses', 'name', 'selectors', 'config'),
  ),
};

/** Fields that a spoke insists on, and the last era of which one does. */
const REQUIRED: Readonly<Record<string, Era>> = {
  selector: 'main',
  moduleLoader: '2.3',
  [LOADER]: 'main',
  [`${LOADER}.modprobe`]: 'main',
  [`${LOADER}.modprobe.moduleName`]: '1.1',
  [`${LOADER}.kernelMappings`]: 'main',
  [`${LOADER}.kernelMappings.containerImage`]: 'main',
  'devicePlugin.container': 'main',
  'devicePlugin.container.image': 'main',
};

const isUpTo = (era: Era, last: Era): boolean => ERAS.indexOf(era) <= ERAS.indexOf(last);

/** All fields that a spoke of an era knows. */
export const fieldsOf = (era: Era): string[] =>
  ERAS.filter((each) => isUpTo(each, era)).flatMap((each) => CAME_WITH[each]);

/** Fields without which a spoke of an era refuses a Module. */
export const requiredBy = (era: Era): string[] =>
  Object.entries(REQUIRED)
    .filter(([, last]) => isUpTo(era, last))
    .map(([field]) => field);

/** A part of a CRD's schema. */
export interface Schema {
  readonly type: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** What a CRD says of `spec` in its first version. */
export function specSchema(definition: unknown): Schema {
  const { versions } = definition as {
    versions: [{ schema: { openAPIV3Schema: { properties: { spec: Schema } } } }];
  };
  return versions[0].schema.openAPIV3Schema.properties.spec;
}

/** Fields of a schema that have none below them. */
export function leavesOf({ properties, items }: Schema, path = ''): string[] {
  if (items) return leavesOf(items, path);
  if (!properties) return [path];
  return Object.entries(properties).flatMap(([name, field]) =>
    leavesOf(field, path ? `${path}.${name}` : name),
  );
}

/** A value with every field of a schema that is wanted, or undefined when none is. */
export function sampleOf(schema: Schema, isWanted: (leaf: string) => boolean, path = ''): unknown {
  const { type, properties, items } = schema;
  if (items) {
    const item = sampleOf(items, isWanted, path);
    return item === undefined ? undefined : [item];
  }
  if (properties) {
    const fields = Object.entries(properties).map(([name, field]) => [
      name,
      sampleOf(field, isWanted, path ? `${path}.${name}` : name),
    ]);
    const there = fields.filter(([, value]) => value !== undefined);
    return there.length > 0 ? Object.fromEntries(there) : undefined;
  }
  if (!isWanted(path)) return undefined;
  return { string: 'x', integer: 1, boolean: true, object: { a: 'b' } }[type];
}

/** Every field that is set in a value, with those above it. */
export function pathsIn(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, path));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const here = path ? `${path}.${name}` : name;
    return [here, ...pathsIn(field, here)];
  });
}
