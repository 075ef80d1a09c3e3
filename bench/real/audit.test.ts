import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createAuditReader } from './audit.ts';

const line = (verb: string, resource: string, more: object = {}) =>
  `${JSON.stringify({ userAgent: 'kmm-hub', verb, objectRef: { resource }, ...more })}\n`;

it('counts what one user agent asked since the last time: a list of pages once, watches and leases never', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-audit-'));
  const path = join(folder, 'audit.log');
  writeFileSync(path, line('create', 'manifestworks'));
  const audit = createAuditReader(path, 'kmm-hub');
  expect(audit.next()).toMatchObject({ writes: 1, reads: 0, what: '1 create manifestworks' });

  const nodes = (query: string) => line('list', 'nodes', { requestURI: `/api/v1/nodes?limit=1${query}` });
  const half = line('patch', 'nodes').length / 2;
  appendFileSync(
    path,
    nodes('') +
      nodes('&continue=a') +
      line('watch', 'nodes') +
      line('update', 'leases') +
      line('get', 'secrets') +
      line('get', 'nodes', { userAgent: 'kubectl' }) +
      line('patch', 'nodes').slice(0, half),
  );
  const reads = { reads: 3, gets: 1, got: '1 get secrets', listsOfOneKind: 1 };
  expect(audit.next()).toMatchObject({ writes: 0, what: 'none', ...reads });

  appendFileSync(path, line('patch', 'nodes').slice(half));
  const last = audit.next();
  expect([last.writesOf('nodes'), last.writesOf('pods')]).toEqual([1, 0]);

  writeFileSync(path, line('patch', 'nodes'));
  expect(() => audit.next()).toThrow('begun anew');
  rmSync(folder, { recursive: true });
});
