import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { makeServerCertificates, missingPrograms } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistryTransport } from './transport.ts';

const isMissing = missingPrograms(['openssl']).length > 0;

describe.skipIf(isMissing)(`TLS of the transport${isMissing ? ' (skipped: needs openssl)' : ''}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-transport-'));
  const roots = getCACertificates('default');
  const closers: (() => void)[] = [];
  let ours: { ca: string; url: string };
  let systems: { ca: string; url: string };

  /** A server whose certificate comes from an authority of its own. */
  const serve = async (name: string) => {
    mkdirSync(join(directory, name));
    const { ca, server } = await makeServerCertificates(join(directory, name));
    const options = { cert: readFileSync(server.cert), key: readFileSync(server.key) };
    const listening = createServer(options, (_request, response) => response.end('ok'));
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    closers.push(() => listening.close().closeAllConnections());
    const url = `https://127.0.0.1:${(listening.address() as AddressInfo).port}/v2/`;
    return { ca: readFileSync(ca, 'utf8'), url };
  };
  beforeAll(async () => {
    ours = await serve('ours');
    systems = await serve('systems');
    setDefaultCACertificates([...roots, systems.ca]);
  });
  afterAll(() => {
    setDefaultCACertificates(roots);
    for (const close of closers) close();
    rmSync(directory, { recursive: true, force: true });
  });
  const get = (url: string, ca?: string, insecureSkipVerify = false) =>
    createRegistryTransport(ca).request({ method: 'GET', url, headers: {}, insecureSkipVerify });

  it('trusts the authority it was given beside those of the system', async () => {
    expect(await get(ours.url, ours.ca)).toMatchObject({ status: 200 });
    expect(await get(systems.url, ours.ca)).toMatchObject({ status: 200 });
    expect(await get(systems.url)).toMatchObject({ status: 200 });
  });

  it('trusts no other authority, unless it is told not to look', async () => {
    await expect(get(ours.url)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(await get(ours.url, undefined, true)).toMatchObject({ status: 200 });
  });
});
