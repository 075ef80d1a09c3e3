import { BUILDERS } from '@kmm-fleet/api';
import { describe, expect, it } from 'vitest';
import { withOptions } from '../install/edition-options.ts';
import { EDITIONS, type EditionName, editions } from '../install/editions.ts';
import { CERTIFICATES } from '../install/webhook-names.ts';
import type { PolicyRule } from './access.ts';

/** Rights to these, as `verbs resources [names]`, sorted. */
function rightsTo(resources: readonly string[], rules: readonly PolicyRule[]): string[] {
  const all = rules
    .filter((rule) => rule.resources.some((name) => resources.includes(name) || name === '*'))
    .map(
      ({ verbs, resources: named, resourceNames }) =>
        `${verbs.join()} ${named.join()}${resourceNames ? ` ${resourceNames.join()}` : ''}`,
    );
  return [...new Set(all)].sort();
}

/** Every edition, with any of its options. */
const variantsOf = (name: EditionName) =>
  BUILDERS.flatMap((builder) =>
    [undefined, ...CERTIFICATES].map((certificates) =>
      withOptions(editions[name], { builder, certificates, guardsNamespaces: name !== 'hub' }),
    ),
  );
const rightsIn = (name: EditionName, where: 'cluster' | 'own', ...resources: readonly string[]) => [
  ...new Set(
    variantsOf(name).flatMap(({ accesses }) =>
      accesses.flatMap((access) => rightsTo(resources, access[where])),
    ),
  ),
];
const HASH_KEY = ['create secrets', 'get,update secrets kmm-inputs-key'];

describe('Secrets and ConfigMaps', () => {
  it('are nothing to a spoke, but for the one Secret of its own certificate', () => {
    expect(rightsIn('spoke', 'cluster', 'secrets', 'configmaps')).toEqual([]);
    expect(rightsIn('spoke', 'own', 'secrets', 'configmaps')).toEqual([
      'create secrets',
      'get,update secrets kmm-operator-webhook',
    ]);
  });

  it('are read by a hub in its own namespace alone', () => {
    expect(rightsIn('hub', 'cluster', 'secrets', 'configmaps')).toEqual([]);
    expect(rightsIn('hub', 'own', 'secrets').toSorted()).toEqual([
      ...['create secrets', 'create,patch secrets', 'get,update secrets kmm-inputs-key'],
      ...['get,update secrets kmm-operator-hub-webhook', 'list,watch secrets'],
    ]);
    expect(rightsIn('hub', 'own', 'configmaps')).toEqual(['list,watch configmaps']);
  });

  it('are read by an operator without a hub wherever Modules may be, and written in its own namespace alone', () => {
    expect(rightsIn('cluster', 'cluster', 'secrets', 'configmaps')).toEqual([
      'list,watch configmaps',
      'list,watch secrets',
    ]);
    expect(rightsIn('cluster', 'own', 'secrets')).toEqual(expect.arrayContaining(HASH_KEY));
  });

  it.each(EDITIONS)('are granted to %s by no wildcard', (name) => {
    const rules = variantsOf(name).flatMap(({ accesses }) =>
      accesses.flatMap(({ cluster, own }) => [...cluster, ...own]),
    );
    for (const { verbs, resources, apiGroups } of rules)
      expect([...verbs, ...resources, ...apiGroups]).not.toContain('*');
  });
});
