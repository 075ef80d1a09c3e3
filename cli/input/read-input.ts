import { type Finding, found } from '@kmm-fleet/api';
import type { Io } from '../io.ts';
import { whyUnreadable } from './named-file.ts';
import { type ReadObject, readDocuments } from './read-documents.ts';

/** Objects of a file. What is wrong with the file itself stands as a finding of document 0. */
export async function readInput(io: Io, file: string): Promise<ReadObject[]> {
  try {
    const objects = readDocuments(await io.read(file));
    return objects.length > 0 ? objects : [{ document: 0, findings: [empty(file)] }];
  } catch (error) {
    return [{ document: 0, findings: [unreadable(error)] }];
  }
}

function unreadable(error: unknown): Finding {
  const message = `The file cannot be read: ${whyUnreadable(error)}.`;
  return found('FileUnreadable', '', message, 'Name a YAML file, or - for standard input.');
}

function empty(file: string): Finding {
  const message = `${file === '-' ? 'Standard input' : 'The file'} is empty.`;
  return found('FileEmpty', '', message, 'Put a Module or a ManagedClusterModule in it.');
}
