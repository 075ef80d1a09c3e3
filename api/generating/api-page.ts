import { customResourceDefinition, type Definition } from './custom-resource-definition.ts';
import { OWN } from './definitions.ts';
import type { StructuralSchema } from './structural-schema.ts';

const HEAD = `<!-- Generated from the schemas in api/kinds by \`make generate\`. Do not edit. -->

# API reference

Every field of our kinds, as the CustomResourceDefinitions have them. The API server holds the rules under a table; rules that it cannot express are
checked by \`kmm lint\`, by the webhooks of \`kmm install --webhooks\` and by the operators, which name them in the status
([reasons](reasons.md)).
`;

/** An object with fields of its own, under a heading of its own. */
interface Section {
  readonly title: string;
  readonly schema: StructuralSchema;
}

/** docs/api.md: a chapter per kind, a table per object in it; what two places share is told once and linked to. */
export function apiPage(definitions: readonly Definition[] = OWN): string {
  const told = new Map<string, string>();
  return `${HEAD}\n${definitions.map((definition) => chapter(definition, told)).join('\n')}`;
}

function chapter(definition: Definition, told: Map<string, string>): string {
  const { resource, description, shortNames } = definition;
  const crd = customResourceDefinition(definition);
  const { spec = {}, status = {} } = crd.spec.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  const facts = `\`${resource.group}/${resource.version}\`, ${resource.namespaced ? 'namespaced' : 'cluster-wide'}`;
  const kubectl = [resource.plural, ...shortNames].map((name) => `\`${name}\``).join(', ');
  const tables = [
    { title: `${resource.kind}.spec`, schema: spec },
    { title: `${resource.kind}.status`, schema: status },
  ].flatMap((section) => sections(section, told));
  return `## ${resource.kind}\n\n${description}\n${facts}; for kubectl ${kubectl}.\n\n${tables.join('\n')}`;
}

/** The section and those below it, each shape where it is met first. */
function sections({ title, schema }: Section, told: Map<string, string>): string[] {
  told.set(shapeOf(schema), title);
  const below: string[] = [];
  const rows = fieldsOf(schema).map(({ name, field, required }) => {
    const inner = innermost(field);
    const first = told.get(shapeOf(inner));
    const section = { title: `${title}.${name}`, schema: inner };
    if (inner.properties && first === undefined) below.push(...sections(section, told));
    const link = inner.properties ? ` ${linkTo(first ?? section.title)}` : '';
    return row([
      `\`${name}\``,
      typeOf(field) + link,
      required ? 'yes' : '',
      defaultOf(field),
      meaningOf(field),
    ]);
  });
  const head = `${row(['field', 'type', 'required', 'default', 'meaning'])}\n${row(Array(5).fill('---'))}`;
  const parts = [`### ${title}`, meaningOf(schema), `${head}\n${rows.join('\n')}`, rulesOf(schema)];
  return [`${parts.filter((part) => part !== '').join('\n\n')}\n`, ...below];
}

/** Fields by name; an object whose only field is a simple one needs no table: `keySecret.name`. */
function fieldsOf(schema: StructuralSchema, prefix = '', above = true) {
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const [only, ...others] = Object.entries(field.properties ?? {});
    const isRequired = above && required.includes(name);
    if (!only || others.length > 0 || innermost(only[1]).properties)
      return { name: `${prefix}${name}`, field, required: isRequired };
    const description = `${meaningOf(field)} ${meaningOf(only[1])}`.trim();
    return { name: `${prefix}${name}.${only[0]}`, field: { ...only[1], description }, required: isRequired };
  });
}

const innermost = (schema: StructuralSchema): StructuralSchema =>
  schema.items ? innermost(schema.items) : schema;

/** Equal for objects that differ in nothing but what they are described by. */
const shapeOf = (schema: StructuralSchema) => JSON.stringify({ ...schema, description: undefined });

function typeOf(schema: StructuralSchema): string {
  const { items, additionalProperties } = schema;
  if (items)
    return `list of ${typeOf(items).replace(/, (at .*)$/, ' ($1)')}${bounds(schema, 'Items', 'items')}`;
  if (additionalProperties) return `map of ${typeOf(additionalProperties)}`;
  const values = schema['enum'] as readonly string[] | undefined;
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return 'object of Kubernetes';
  const format = schema['format'] === undefined ? '' : ` (${word(schema, 'format')})`;
  return `${word(schema, 'type')}${format}${bounds(schema, 'Length', 'characters')}${bounds(schema, 'imum', '')}`;
}

function bounds(schema: StructuralSchema, keyword: string, unit: string): string {
  const [min, max] = [word(schema, `min${keyword}`), word(schema, `max${keyword}`)];
  const words = [min && `at least ${min}`, max && `at most ${max}`].filter((part) => part !== '');
  return words.length > 0 ? `, ${`${words.join(' and ')} ${unit}`.trim()}` : '';
}

const defaultOf = (schema: StructuralSchema) =>
  schema['default'] === undefined ? '' : `\`${JSON.stringify(schema['default'])}\``;

const meaningOf = (schema: StructuralSchema) =>
  word(schema, 'description') || word(innermost(schema), 'description');

/** The text or number under a keyword; empty when there is none. */
function word(schema: StructuralSchema, keyword: string): string {
  const value = schema[keyword];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function rulesOf(schema: StructuralSchema): string {
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly { readonly message: string }[];
  return rules.map(({ message }) => `- ${escaped(message)}`).join('\n');
}

/** The heading's anchor: letters and digits in lower case. */
const linkTo = (title: string) => `([${title}](#${title.toLowerCase().replace(/[^a-z0-9]/g, '')}))`;

const row = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
const escaped = (text: string) => text.replace(/[|<]/g, '\\$&');
