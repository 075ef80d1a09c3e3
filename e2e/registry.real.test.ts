import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, createRegistryTransport } from '@kmm-fleet/images';
import { describeRegistry } from '@kmm-fleet/images/registry-contract';
import { findProgram, makeServerCertificates, startRegistry } from '@kmm-fleet/lab';
import { systemClock as clock, systemRandom as random } from '@kmm-fleet/runtime';

const missing = ['docker-registry', 'htpasswd'].filter((program) => !findProgram(program));

describeRegistry('docker-registry with TLS and a login', {
  needsLogin: true,
  ...(missing.length > 0 && { missing: `missing: ${missing.join(', ')}` }),
  async start() {
    const directory = mkdtempSync(join(tmpdir(), 'kmm-registry-'));
    const certificates = await makeServerCertificates(directory);
    const login = { username: 'kmm', password: 's3cret' };
    const storage = join(directory, 'storage');
    const { address, stop } = await startRegistry({
      directory,
      storage,
      certificate: certificates.server,
      ...login,
    });
    const transport = createRegistryTransport(readFileSync(certificates.ca, 'utf8'));
    return {
      registry: createRegistry({ transport, clock, random }),
      address,
      access: { dockerConfig: JSON.stringify({ auths: { [address]: login } }) },
      close: stop,
    };
  },
});
