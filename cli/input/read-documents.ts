import { type Finding, found } from '@kmm-fleet/api';
import { type Document, isMap, parseAllDocuments } from 'yaml';

/** One object of a file, or what is wrong with the document in its place. */
export interface ReadObject {
  /** Counts from 1, as a reader does. */
  readonly document: number;
  readonly value?: Readonly<Record<string, unknown>>;
  readonly findings: readonly Finding[];
}

/** Objects of a YAML text with kubectl's reading of YAML 1.1; lists are taken apart, empty documents left out. Pure. */
export function readDocuments(text: string): ReadObject[] {
  const documents = parseAllDocuments(text, { version: '1.1' });
  return [...documents].flatMap((document, index) => readDocument(document, index + 1));
}

function readDocument(parsed: Document, document: number): ReadObject[] {
  const [error] = parsed.errors;
  if (error) return [{ document, findings: [notYaml(error.message)] }];
  if (parsed.contents === null) return [];
  const value = valueOf(parsed);
  if (value instanceof Error) return [{ document, findings: [notYaml(value.message)] }];
  if (value === null) return [];
  if (!isMap(parsed.contents)) return [{ document, findings: [notAnObject(value)] }];
  return itemsOf(value as Record<string, unknown>).map((item) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? { document, value: item as Record<string, unknown>, findings: [] }
      : { document, findings: [notAnObject(item)] },
  );
}

/** Aliases are followed only here, and may lead nowhere or explode. */
function valueOf(parsed: Document): unknown {
  try {
    return parsed.toJS();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function itemsOf(value: Record<string, unknown>): unknown[] {
  const { kind, items } = value;
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : [value];
}

/** The parser's words hold a picture of the place; one line with its position is enough. */
function notYaml(words: string): Finding {
  const [first = ''] = words.split('\n');
  const [, message = first, place = ''] = /^(.*?) at (line \d+, column \d+):?$/.exec(first) ?? [];
  return found('YamlInvalid', place, `This is not YAML: ${message}.`, 'Correct the syntax.');
}

function notAnObject(value: unknown): Finding {
  const what = Array.isArray(value) ? 'a list' : `a ${value === null ? 'null' : typeof value}`;
  const next = 'Write an object with apiVersion, kind, metadata and spec.';
  return found('NotAnObject', '', `The document is ${what}, not an object.`, next);
}
