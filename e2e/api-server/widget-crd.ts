import { GROUP } from './contract.ts';

const text = { type: 'string' };
const WIDGET_SPEC = {
  type: 'object',
  properties: {
    size: { type: 'integer', minimum: 0, default: 3 },
    limit: { type: 'integer' },
    colour: { ...text, enum: ['red', 'blue'] },
    code: { ...text, pattern: '^[a-z]+$' },
    fixed: {
      ...text,
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed cannot be changed' }],
    },
    pattern: { ...text, maxLength: 64 },
    tags: { type: 'object', maxProperties: 2, additionalProperties: text },
    marks: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
    parts: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', required: ['name'], properties: { name: text, weight: { type: 'integer' } } },
    },
  },
  'x-kubernetes-validations': [
    { rule: '!has(self.limit) || self.size <= self.limit', message: 'size is above the limit' },
    {
      rule: "!has(self.pattern) || 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches(self.pattern)",
      message: 'no match',
    },
  ],
};
/** A kind that has one of everything a schema can ask for. */
export const WIDGET_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: WIDGET_SPEC,
              status: { type: 'object', properties: { seen: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
};
