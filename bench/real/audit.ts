import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Requests of one user agent. */
export interface AuditCount {
  readonly reads: number;
  readonly writes: number;
  /** Verb and kind of writes with their counts: what they were. */
  readonly what: string;
  /** The most lists that one kind was asked for, a list of many pages being one: one where nothing is read twice. */
  readonly listsOfOneKind: number;
  /** Writes of one resource. */
  writesOf(resource: string): number;
}

export interface AuditReader {
  /** What was asked since the last time. */
  next(): AuditCount;
}

interface AuditLine {
  readonly userAgent?: string;
  readonly verb: string;
  readonly requestURI?: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
}

const READS = new Set(['get', 'list']);

/**
 * Counts requests of one user agent in an audit log, from one reading to the next; watches and leases are left out.
 *
 * @throws {Error} from `next` when the server has begun the file anew: what was asked meanwhile cannot be told
 */
export function createAuditReader(path: string, userAgent: string): AuditReader {
  let offset = 0;
  let rest = '';
  return {
    next() {
      const { size } = statSync(path);
      if (size < offset) throw new Error(`${path} was begun anew: requests are missing.`);
      const bytes = Buffer.alloc(size - offset);
      const file = openSync(path, 'r');
      readSync(file, bytes, 0, bytes.byteLength, offset);
      closeSync(file);
      offset += bytes.byteLength;
      const lines = (rest + bytes.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      const own = lines
        .map((line) => JSON.parse(line) as AuditLine)
        .filter(
          (line) =>
            line.userAgent === userAgent && line.verb !== 'watch' && line.objectRef?.resource !== 'leases',
        );
      return countOf(own);
    },
  };
}

function countOf(requests: readonly AuditLine[]): AuditCount {
  const written = requests.filter(({ verb }) => !READS.has(verb));
  const lists = requests.filter(
    ({ verb, requestURI = '' }) => verb === 'list' && !requestURI.includes('continue='),
  );
  return {
    reads: requests.length - written.length,
    writes: written.length,
    what: [...counted(written)].map(([name, count]) => `${count} ${name}`).join(', ') || 'none',
    listsOfOneKind: Math.max(0, ...counted(lists).values()),
    writesOf: (resource) => written.filter(({ objectRef }) => objectRef?.resource === resource).length,
  };
}

function counted(lines: readonly AuditLine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { verb, objectRef } of lines) {
    const name = [verb, objectRef?.resource, objectRef?.subresource].filter(Boolean).join(' ');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
