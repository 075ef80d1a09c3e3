import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { AuditedRequest } from '@kmm-fleet/policies';

/** Requests of one user agent. */
export interface AuditCount {
  readonly reads: number;
  readonly writes: number;
  /** Verb and kind of writes with their counts: what they were. */
  readonly what: string;
  /** Reads that are no lists. */
  readonly gets: number;
  /** What they were. */
  readonly got: string;
  /** The most lists that one kind was asked for, a list of many pages being one: one where nothing is read twice. */
  readonly listsOfOneKind: number;
  /** Writes of one resource. */
  writesOf(resource: string): number;
  readonly requests: readonly AuditLine[];
}

export interface AuditReader {
  /** What was asked since the last time. */
  next(): AuditCount;
}

export interface AuditLine extends AuditedRequest {
  readonly requestURI?: string;
}

const READS = new Set(['get', 'list']);

export const isWrite = ({ verb }: AuditLine) => !READS.has(verb);

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
  const written = requests.filter(isWrite);
  const gets = requests.filter(({ verb }) => verb === 'get');
  const lists = requests.filter(
    ({ verb, requestURI = '' }) => verb === 'list' && !requestURI.includes('continue='),
  );
  return {
    reads: requests.length - written.length,
    writes: written.length,
    what: namesOf(written),
    gets: gets.length,
    got: namesOf(gets),
    listsOfOneKind: Math.max(0, ...counted(lists).values()),
    writesOf: (resource) => written.filter(({ objectRef }) => objectRef?.resource === resource).length,
    requests,
  };
}

const namesOf = (lines: readonly AuditLine[]) =>
  [...counted(lines)].map(([name, count]) => `${count} ${name}`).join(', ') || 'none';

function counted(lines: readonly AuditLine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { verb, objectRef } of lines) {
    const name = [verb, objectRef?.resource, objectRef?.subresource].filter(Boolean).join(' ');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
