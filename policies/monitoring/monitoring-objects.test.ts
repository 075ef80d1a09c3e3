import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { operatorDeployment } from '../install/deployment.ts';
import { EDITIONS, editions } from '../install/editions.ts';
import { alertRules } from './alerts.ts';
import { monitoringObjects, ruleFile } from './monitoring-objects.ts';

const root = join(import.meta.dirname, '../..');

describe.each(['hub', 'spoke'] as const)('alerts of a %s', (role) => {
  const rules = alertRules(role);

  it('ask only for metrics that operators have, with labels that these have', () => {
    expect(rules.length).toBeGreaterThan(7);
    for (const { expr } of rules) {
      const names = expr.match(/\bkmm_\w+/g) ?? ['up'];
      for (const name of names) expect([...Object.keys(METRICS), 'up']).toContain(name);
      const known = names.flatMap((name) =>
        name in METRICS ? METRICS[name as keyof typeof METRICS][2] : ['job'],
      );
      for (const [, label = ''] of expr.matchAll(/[{,](\w+)(?==)/g)) expect(known).toContain(label);
    }
  });

  it('link to a heading of docs/reasons.md', () => {
    const page = readFileSync(join(root, 'docs/reasons.md'), 'utf8').toLowerCase();
    for (const { annotations } of rules) {
      const [file, heading = ''] = annotations.runbook_url.split('#');
      expect(file).toBe('docs/reasons.md');
      expect(heading.startsWith('{{') || page.includes(`### ${heading}\n`)).toBe(true);
    }
  });

  it('have names of their own, and wait before they wake somebody', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    expect(rules.filter((rule) => !/^\d+[mh]$/.test(rule.for))).toEqual([]);
  });
});

it.each(EDITIONS)(
  'watches a %s: a Service of its pods, a ServiceMonitor that finds it, and rules',
  (name) => {
    const edition = editions[name];
    const [service, monitor, rule] = monitoringObjects(edition);

    expect([service, monitor, rule].map((object) => `${object?.kind} ${object?.metadata.namespace}`)).toEqual(
      [
        `Service ${edition.namespace}`,
        `ServiceMonitor ${edition.namespace}`,
        `PrometheusRule ${edition.namespace}`,
      ],
    );
    const { selector, template } = operatorDeployment(edition, { operator: 'i', mustGather: 'i' })[
      'spec'
    ] as DeploymentSpec;
    const [{ ports }] = template.spec.containers;
    expect(service?.['spec']).toEqual({
      selector: selector.matchLabels,
      ports: ports.map(({ name: port, containerPort }) => ({
        name: port,
        port: containerPort,
        targetPort: port,
      })),
    });
    expect(monitor?.['spec']).toMatchObject({
      selector: { matchLabels: service?.metadata.labels },
      // Series tell the namespace of their Module: not that of the operator, which Prometheus would put in its place.
      endpoints: [{ port: 'metrics', path: '/metrics', honorLabels: true }],
    });
  },
);

interface DeploymentSpec {
  readonly selector: { readonly matchLabels: object };
  readonly template: {
    readonly spec: {
      readonly containers: readonly [
        { readonly ports: readonly { readonly name: string; readonly containerPort: number }[] },
      ];
    };
  };
}

it('links to runbooks wherever they are published', () => {
  const [group] = ruleFile('hub', 'https://docs.example/kmm/').groups;
  expect(group?.rules[0]?.annotations.runbook_url).toBe(
    'https://docs.example/kmm/docs/reasons.md#{{ $labels.reason | toLower }}',
  );
});
