import { RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listPath, logPath, objectPath, safe } from './plan-paths.ts';

const object = (name: string, namespace?: string) => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name, ...(namespace && { namespace }) },
});

it("puts objects where upstream's gather does, by oc adm inspect", () => {
  expect([
    objectPath(CORE.node, object('n')),
    objectPath(RESOURCES.module, object('m', 'ns')),
    objectPath(CORE.configMap, object('c', 'ns')),
    objectPath(CORE.pod, object('p', 'ns')),
    listPath(CORE.event, 'default', 'Node'),
    logPath(object('p', 'ns'), 'manager', true),
  ]).toEqual([
    'inspect/cluster-scoped-resources/core/nodes/n.yaml',
    'inspect/namespaces/ns/kmm.sigs.x-k8s.io/modules/m.yaml',
    'inspect/namespaces/ns/core/configmaps/c.yaml',
    'inspect/namespaces/ns/pods/p/p.yaml',
    'inspect/namespaces/default/core/events-node.yaml',
    'inspect/namespaces/ns/pods/p/manager/manager/logs/previous.log',
  ]);
});

it('leaves the folder for no name', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.constantFrom('..', '.', '', '../../etc', 'a/b', 'a\\b', '\0')),
      (name) => {
        expect(safe(name)).toMatch(/^(?!\.+$)[\w.:@~+=-]{1,254}$/);
      },
    ),
    { seed: 1 },
  );
});
