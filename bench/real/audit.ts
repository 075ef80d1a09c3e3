import { closeSync, openSync, readSync, statSync } from 'node:fs';

export interface AuditCount {
  readonly reads: number;
  readonly writes: number;
  /** Verb and kind of writes with their counts: what they were. */
  readonly what: string;
}

interface AuditLine {
  readonly userAgent?: string;
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
}

const READS = new Set(['get', 'list']);

/** Counts requests of one user agent in an audit log, from one reading to the next; watches and leases are left out. */
export function createAuditReader(path: string, userAgent: string): { next(): AuditCount } {
  let offset = 0;
  let rest = '';
  return {
    next() {
      const bytes = Buffer.alloc(Math.max(0, statSync(path).size - offset));
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
      const written = own.filter(({ verb }) => !READS.has(verb));
      return { reads: own.length - written.length, writes: written.length, what: describe(written) };
    },
  };
}

function describe(lines: readonly AuditLine[]): string {
  const counts = new Map<string, number>();
  for (const { verb, objectRef } of lines) {
    const name = [verb, objectRef?.resource, objectRef?.subresource].filter(Boolean).join(' ');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}
