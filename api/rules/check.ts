import type * as z from 'zod';
import { bad, type Checked, type Finding, found, good, sortFindings, warned } from '../finding.ts';
import type { ObjectMeta } from '../kinds/common.ts';
import { ManagedClusterModule } from '../kinds/managed-cluster-module.ts';
import { Module, type ModuleSpec } from '../kinds/module.ts';
import { checkLoader } from './check-loader.ts';
import { checkTolerations } from './check-tolerations.ts';
import { formatPath } from './field-path.ts';
import { knownFields } from './known-fields.ts';
import { nearest } from './nearest.ts';
import { isPlaceholder, placeholders } from './placeholders.ts';

/** Length of `<namespace>.<name>` that still fits the label keys made from it (upstream's limit). */
const NAMES_CHARS_MAX = 41;

/**
 * Reads a Module strictly: unknown fields, wrong types and the rules of upstream's webhooks on one object are findings.
 * Image references are templates until a kernel is known, so their grammar is judged by `resolveRecipe`, not here;
 * a template that shows no tag is a warning. Upstream's bound on hostPath volumes is left to the cluster's own policy.
 */
export function checkModule(object: unknown): Checked<Module> {
  return check(Module, object, (module) => [
    ...checkSpec(module.spec, 'spec'),
    ...checkNames(module.metadata.name, module.metadata.namespace ?? ''),
  ]);
}

/** The same for a ManagedClusterModule; names are checked as they will be on the clusters. */
export function checkManagedClusterModule(object: unknown): Checked<ManagedClusterModule> {
  return check(ManagedClusterModule, object, (mcm) => [
    ...checkSpec(mcm.spec.moduleSpec, 'spec.moduleSpec'),
    ...checkNames(mcm.metadata.name, mcm.spec.spokeNamespace),
    ...(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(mcm.spec.spokeNamespace) ||
    isPlaceholder(mcm.spec.spokeNamespace)
      ? []
      : [
          found(
            'NamespaceInvalid',
            'spec.spokeNamespace',
            `"${mcm.spec.spokeNamespace}" is not a namespace name.`,
            'Use lower-case letters, digits and hyphens.',
          ),
        ]),
  ]);
}

function check<S extends z.ZodType<{ readonly metadata: ObjectMeta; readonly spec: unknown }>>(
  schema: S,
  object: unknown,
  rules: (value: z.output<S>) => readonly Finding[],
): Checked<z.output<S>> {
  // What a status holds is its writer's business, and another version's may know other fields.
  const parsed = schema.safeParse(withoutStatus(object));
  if (!parsed.success)
    return bad(...sortFindings(parsed.error.issues.flatMap((issue) => schemaFindings(issue, schema))));
  const { metadata, spec } = parsed.data;
  const { name, namespace } = metadata;
  const findings = sortFindings([
    ...rules(parsed.data),
    ...placeholders({ metadata: { name, namespace }, spec }),
  ]);
  const errors = findings.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? bad(...findings) : good(parsed.data, findings);
}

function withoutStatus(object: unknown): unknown {
  if (typeof object !== 'object' || object === null || !('status' in object)) return object;
  const { status: _, ...rest } = object;
  return rest;
}

function checkSpec(spec: ModuleSpec, path: string): Finding[] {
  const both = spec.devicePlugin && spec.dra;
  return [
    ...(spec.moduleLoader ? checkLoader(spec.moduleLoader.container, `${path}.moduleLoader.container`) : []),
    ...checkTolerations(spec.tolerations, `${path}.tolerations`),
    ...(spec.moduleLoader || spec.devicePlugin || spec.dra ? [] : [nothingIn(path)]),
    ...(both
      ? [found('FieldsExclusive', path, 'devicePlugin and dra exclude each other.', 'Remove one.')]
      : []),
    ...(spec.dra
      ? [
          warned(
            'NotDeployed',
            `${path}.dra`,
            'DRA drivers are accepted but not deployed.',
            'Deploy it yourself.',
          ),
        ]
      : []),
  ];
}

const nothingIn = (path: string) =>
  warned(
    'NothingDeployed',
    path,
    'There is neither moduleLoader nor devicePlugin: nothing is loaded or deployed.',
    'Add one of them.',
  );

const DNS_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

function checkNames(name: string, namespace: string): Finding[] {
  const isName = !name || isPlaceholder(name) || DNS_NAME.test(name);
  const next = 'Use lower-case letters, digits, hyphens and dots.';
  return [
    ...(isName ? [] : [found('NameInvalid', 'metadata.name', `"${name}" is no name of an object.`, next)]),
    ...checkLength(name, namespace),
  ];
}

function checkLength(name: string, namespace: string): Finding[] {
  if (name.length + namespace.length <= NAMES_CHARS_MAX) return [];
  const message = `Name "${name}" and namespace "${namespace}" have more than ${NAMES_CHARS_MAX} characters together.`;
  return [found('NameTooLong', 'metadata.name', message, 'Node labels are made of both: shorten one.')];
}

/** Whoever writes more wrong fields than this into one part did not mistype them. */
const MEANT_MAX = 5;

function schemaFindings(issue: z.core.$ZodIssue, schema: z.ZodType): Finding[] {
  const path = formatPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const fields = knownFields(schema, issue.path);
    return issue.keys.map((key, index) => {
      const meant = index < MEANT_MAX ? nearest(key, fields) : undefined;
      const next = `${meant ? `Did you mean ${meant}? ` : ''}Check the spelling or remove it.`;
      return found('UnknownField', path ? `${path}.${key}` : key, `Unknown field "${key}".`, next);
    });
  }
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  if (missing) return [found('FieldMissing', path, 'The field is required.', 'Add it.')];
  return [found('FieldInvalid', path, `${issue.message}.`, 'See the API reference of the field.')];
}
