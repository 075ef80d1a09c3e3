import {
  checkManagedClusterModule,
  checkModule,
  type Finding,
  found,
  GROUP,
  HUB_GROUP,
} from '@kmm-fleet/api';
import type { ReadObject } from '../input/read-documents.ts';

/** One object of a file, or the file itself, with what is wrong in it. */
export interface Linted {
  readonly file: string;
  /** Counts from 1; 0 for the file as a whole. */
  readonly document: number;
  /** '' where there is no object, as is the name. */
  readonly kind: string;
  readonly name: string;
  /** An object that is not ours to judge. */
  readonly skipped: boolean;
  readonly findings: readonly Finding[];
}

type Values = Readonly<Record<string, unknown>>;

/** Kinds of our groups that the operators write themselves. */
const WRITTEN_FOR_YOU = new Set(['ModuleImage']);

/** Every object of a file with its findings. Pure. */
export function lintObjects(file: string, objects: readonly ReadObject[]): Linted[] {
  return objects.map((object) => lintObject(file, object));
}

/** For files in which nothing is ours to check: a wrong file, or a misspelled kind. */
export function nothingToCheck(files: readonly string[], results: readonly Linted[]): Linted {
  const kinds = [...new Set(results.map(({ kind }) => kind))].sort().join(', ');
  const message = `No Module and no ManagedClusterModule is here, only: ${kinds || 'no object'}.`;
  const next = 'Check the spelling of kind, or name another file.';
  const findings = [found('NothingToCheck', 'kind', message, next)];
  return { file: files.join(', '), document: 0, kind: '', name: '', skipped: false, findings };
}

/** For a folder without a manifest: what is meant stands elsewhere. */
export function emptyFolder(folder: string, isRecursive: boolean): Linted {
  const next = `Name another${isRecursive ? '' : ', or say -R when they are in folders of it'}.`;
  const findings = [found('NothingToCheck', '', 'The folder holds no *.yaml, *.yml or *.json file.', next)];
  return { file: folder, document: 0, kind: '', name: '', skipped: false, findings };
}

function lintObject(file: string, { document, value, findings }: ReadObject): Linted {
  const { name } = (value?.['metadata'] ?? {}) as { name?: unknown };
  const result = {
    file,
    document,
    kind: textOf(value?.['kind']),
    name: textOf(name),
    skipped: false,
    findings,
  };
  return value ? { ...result, ...judge(value) } : result;
}

function judge(value: Values): Pick<Linted, 'findings' | 'skipped'> {
  const kind = textOf(value['kind']);
  const group = textOf(value['apiVersion']).split('/')[0] ?? '';
  if (kind === 'Module') return checked(checkModule(value));
  if (kind === 'ManagedClusterModule') return checked(checkManagedClusterModule(value));
  if (kind === '')
    return wrong(found('FieldMissing', 'kind', 'The object has no kind.', 'Add kind and apiVersion.'));
  const isOurs = group === GROUP || group === HUB_GROUP;
  if (!isOurs || WRITTEN_FOR_YOU.has(kind)) return { findings: [], skipped: true };
  const message = `${group} has no kind "${kind}" here.`;
  return wrong(found('KindUnknown', 'kind', message, 'Write Module or ManagedClusterModule.'));
}

function checked(result: ReturnType<typeof checkModule> | ReturnType<typeof checkManagedClusterModule>) {
  return { skipped: false, findings: result.ok ? result.warnings : result.findings };
}

const wrong = (finding: Finding) => ({ skipped: false, findings: [finding] });

const textOf = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? `${value}` : '');
