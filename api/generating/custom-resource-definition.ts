import type * as z from 'zod';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

/** One column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  /** 1: only with `-o wide`. */
  readonly priority?: 1;
}

/** What is to be said about a kind beside its schema. */
export interface Definition {
  readonly resource: {
    readonly group: string;
    readonly version: string;
    readonly plural: string;
    readonly kind: string;
    readonly namespaced: boolean;
  };
  readonly schema: z.ZodType;
  readonly description: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly Column[];
}

/** A CustomResourceDefinition, ready to be written. Kinds with a status get the status subresource. */
export function customResourceDefinition(definition: Definition) {
  const { resource, shortNames, categories, columns } = definition;
  const schema = objectSchema(definition);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource.plural}.${resource.group}` },
    spec: {
      group: resource.group,
      names: {
        ...(categories.length > 0 && { categories }),
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        plural: resource.plural,
        ...(shortNames.length > 0 && { shortNames }),
        singular: resource.kind.toLowerCase(),
      },
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: resource.version,
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: schema },
          subresources: schema.properties?.['status'] ? { status: {} } : {},
        },
      ],
    },
  };
}

function objectSchema({ schema, description }: Definition): StructuralSchema {
  const { properties = {}, ...root } = structuralSchema(schema);
  delete root['x-kubernetes-preserve-unknown-fields'];
  return {
    ...root,
    description,
    required: ['spec'],
    properties: {
      ...properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
    },
  };
}
