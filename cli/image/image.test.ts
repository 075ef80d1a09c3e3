import { createRegistry, type RegistryTransport, signModule } from '@kmm-fleet/images';
import {
  createMemoryRegistry,
  type MemoryRegistryOptions,
  makeModule,
  pushImage,
  testPair,
} from '@kmm-fleet/images/testing';
import { AppError, createManualClock, createRandom } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { kmm, type World } from '../testing/kmm.ts';

const REF = 'registry.test/team/kmod:1';
const KERNEL = '6.1.0-55-amd64';
const FOLDER = `/opt/lib/modules/${KERNEL}`;
const [rsa, stranger] = [testPair('rsa'), testPair('stranger')];
const ko = (name: string) =>
  makeModule({ name, kernel: KERNEL, firmware: ['blob.bin'], parameters: ['site'] });
const login = { username: 'me', password: 'p', scheme: 'Basic' } as const;
const auths = { 'registry.test': { auth: Buffer.from('me:p').toString('base64') } };

type Files = Parameters<typeof pushImage>[3];

const signed: Files = {
  [`${FOLDER}/a.ko`]: signModule(ko('a'), rsa),
  [`${FOLDER}/b.ko`]: signModule(ko('b'), rsa),
  [`${FOLDER}/modules.dep`]: 'a.ko:\nb.ko:\n',
  '/firmware/blob.bin': 'x',
};

/** A world whose registry holds these files as an image. */
async function world(files: Files, options: MemoryRegistryOptions = {}): Promise<World> {
  const transport = createMemoryRegistry(options);
  const registry = createRegistry({ transport, clock: createManualClock(), random: createRandom(1) });
  await pushImage(registry, REF, options.login ? { dockerConfig: JSON.stringify({ auths }) } : {}, files);
  const keys = { 'rsa.crt': rsa.certPem, 'stranger.crt': stranger.certPem, 'junk.crt': 'junk' };
  return { registry: () => transport, files: keys };
}

describe('kmm image inspect', () => {
  it('shows a folder of modules and what each needs and was signed by', async () => {
    const { code, out, err } = await kmm(['image', 'inspect', REF], await world(signed));

    expect([code, err]).toEqual([0, '']);
    const lines = out.split('\n');
    expect(lines[0]).toBe(REF);
    expect(lines[1]).toMatch(/^sha256:[0-9a-f]{64} {2}amd64$/);
    expect(lines[3]).toBe(`Kernel ${KERNEL} in ${FOLDER}`);
    expect(lines[4]).toBe(`vermagic ${KERNEL} SMP preempt mod_unload modversions`);
    expect(lines[5]).toMatch(
      /^MODULE +SIZE +PACKED +NEEDS +LOADS BEFORE +SOFTDEP +PARAMETERS +FIRMWARE +SIGNER +KEY +HASH$/,
    );
    const key = rsa.certificate.serialNumber.toLowerCase();
    expect(lines[6]).toMatch(
      new RegExp(`^a\\.ko +1016 B +- +- +- +- +site +blob\\.bin +kmm test signer +${key} +sha256$`),
    );
    expect(lines.at(-2)).toBe('Firmware: /firmware/blob.bin');
  });

  it('tells warnings first, and does not fail for them', async () => {
    const files = { [`${FOLDER}/a.ko`]: ko('a'), [`${FOLDER}/evil\u001B[2J.ko`]: 'text' };
    const { code, out } = await kmm(['image', 'inspect', REF], await world(files));

    expect(code).toBe(0);
    expect(out.split('\n')[0]).toBe(
      `warning  ${FOLDER}: There is no modules.dep, and modprobe finds nothing without it. Add "RUN depmod -b /opt ${KERNEL}" to the Dockerfile.`,
    );
    expect(out).toContain('blob.bin (missing)');
    expect(out).toMatch(/^evil\.ko +- +- +unreadable +-/m);
    expect(out).not.toContain('\u001B');
  });

  it('gives the same as JSON', async () => {
    const { out } = await kmm(['image', 'inspect', REF, '-o', 'json'], await world(signed));

    expect(JSON.parse(out)).toMatchObject({
      reference: REF,
      architecture: 'amd64',
      warnings: [],
      kernels: [{ kernel: KERNEL, hasDepmod: true, modules: [{ name: 'a' }, { name: 'b' }] }],
      firmware: ['/firmware/blob.bin'],
    });
  });
});

describe('kmm image verify', () => {
  it('has exit code 0 when all modules are signed by a trusted certificate', async () => {
    const args = ['image', 'verify', '--cert', 'stranger.crt', '--cert', 'rsa.crt', REF];
    const { code, out } = await kmm(args, await world(signed));

    expect(code).toBe(0);
    expect(out).toMatch(/^MODULE +VERDICT +HASH +KEY +REASON\n/);
    expect(out.match(/ ok +sha256 /g)).toHaveLength(2);
    expect(out).toContain('\n2 of 2 modules are signed by a trusted certificate.\n');
  });

  it('has exit code 1 and a reason for every module that is not', async () => {
    const tampered = Buffer.from(signModule(ko('c'), rsa));
    tampered[80] = (tampered[80] ?? 0) ^ 1;
    const files: Files = {
      ...signed,
      [`${FOLDER}/c.ko`]: tampered,
      [`${FOLDER}/d.ko`]: signModule(ko('d'), stranger),
      [`${FOLDER}/e.ko`]: ko('e'),
    };
    const { code, out } = await kmm(['image', 'verify', REF, '--cert', 'rsa.crt'], await world(files));

    expect(code).toBe(1);
    expect(out).toMatch(/\/c\.ko +tampered .*changed after signing/);
    expect(out).toMatch(
      new RegExp(`/d\\.ko +other-key .*${stranger.certificate.serialNumber.toLowerCase()}`),
    );
    expect(out).toMatch(/\/e\.ko +unsigned +- +- +It has no signature\./);
    expect(out).toContain('2 of 5 modules');
  });

  it('has exit code 1 when the certificate has expired', async () => {
    const args = ['image', 'verify', REF, '--cert', 'rsa.crt', '-o', 'json'];
    const { code, out } = await kmm(args, { ...(await world(signed)), now: new Date('2127-01-01') });

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject([{ verdict: 'expired' }, { verdict: 'expired' }]);
  });

  it('looks at the modules that are asked for', async () => {
    const args = ['image', 'verify', REF, '--cert', 'rsa.crt', '--kernel', KERNEL, '--files', '/opt/**/b.ko'];

    expect((await kmm(args, await world(signed))).out).toContain('1 of 1 module is');
  });

  it.each([
    ['--kernel', '6.2.0', 'holds no module for kernel 6.2.0. See'],
    ['--files', '/x/*', 'holds no module at /x/*. See'],
  ])(
    'fails when nothing is chosen by %s %s: a check that looked at nothing must not pass',
    async (flag, value, words) => {
      const { code, err } = await kmm(
        ['image', 'verify', REF, '--cert', 'rsa.crt', flag, value],
        await world(signed),
      );

      expect([code, err]).toEqual([1, expect.stringContaining(words)]);
    },
  );

  it.each([
    ['is none', 'junk.crt', /^kmm: --cert: junk\.crt holds no certificate/],
    ['is not there', 'none.crt', /^kmm: --cert: none\.crt cannot be read: it does not exist\. Name/],
  ])('names a certificate that %s', async (_name, cert, words) => {
    const { code, err } = await kmm(['image', 'verify', REF, '--cert', cert], await world(signed));

    expect([code, err]).toEqual([1, expect.stringMatching(words)]);
  });
});

describe('what an image command needs to reach an image', () => {
  const inspect = async (its: World, ...flags: string[]) => kmm(['image', 'inspect', REF, ...flags], its);

  it('a login from the file that is named, and else the advice to log in', async () => {
    const its = await world(signed, { login });
    const withFile = { ...its, files: { ...its.files, 'auth.json': JSON.stringify({ auths }) } };

    expect((await inspect(withFile, '--authfile', 'auth.json')).code).toBe(0);
    const byEnv = await inspect({ ...withFile, env: { REGISTRY_AUTH_FILE: 'auth.json' } });
    expect(byEnv.code).toBe(0);
    const { code, err } = await inspect(its);
    expect([code, err]).toEqual([1, expect.stringMatching(/Log in with podman login or docker login/)]);
  });

  it('authorities, and whether the certificate must be good', async () => {
    const seen: unknown[] = [];
    const its = await world(signed);
    const registry = (ca?: string): RegistryTransport => {
      seen.push(ca);
      const inner = its.registry?.();
      return {
        request(request, signal) {
          seen.push([new URL(request.url).protocol, request.insecureSkipVerify ?? false]);
          return inner?.request(request, signal) ?? Promise.reject(new Error('no registry'));
        },
      };
    };
    const files = { 'certs/b.crt': 'B', 'certs/a.crt': 'A', 'certs/key.pem': 'K' };
    const run = async (...flags: string[]) => {
      seen.length = 0;
      await inspect({ registry, files }, ...flags);
      return seen.slice(0, 2);
    };

    expect(await run()).toEqual([undefined, ['https:', false]]);
    expect(await run('--cert-dir', 'certs')).toEqual(['A\nB', ['https:', false]]);
    expect(await run('--tls-verify=false')).toEqual([undefined, ['https:', true]]);
    expect(await run('--plain-http')).toEqual([undefined, ['http:', false]]);
  });

  it.each([
    ['an image that is not there', 'registry.test/team/none:1', /does not exist\. Check its name and tag\./],
    ['a short name', 'none', /Check its name and tag\. none is read as docker\.io\/library\/none: write/],
    ['a folder that is no image', 'oci:keys', /^kmm: oci:keys: The OCI layout has no index\.json\. Name/],
    ['a folder that is not there', 'oci:none:1', /^kmm: oci: none cannot be read: it does not exist\. Name/],
    ['an archive that is not there', 'docker-archive:a.tar', /no file a\.tar\. Check the path/],
  ])('says what is wrong with %s', async (_name, reference, words) => {
    const its = { ...(await world(signed)), files: { 'keys/a.pem': 'K' } };
    const { code, err } = await kmm(['image', 'inspect', reference], its);

    expect([code, err]).toEqual([1, expect.stringMatching(words)]);
  });

  it.each([
    ['is none', 'UPPER//x', /"UPPER\/\/x" names no valid repository/],
    ['is a path', './build/image', /For a path write oci:\.\/build\/image \(a folder\), oci-archive:/],
  ])('calls a name that %s wrong usage', async (_name, reference, words) => {
    const { code, err } = await kmm(['image', 'inspect', reference], await world(signed));

    expect([code, err]).toEqual([2, expect.stringMatching(words)]);
  });

  it.each([
    ['--cert-dir', 'none', /--cert-dir: none cannot be read: it does not exist\. Name a folder with/],
    ['--cert-dir', 'keys', /--cert-dir: keys holds no \*\.crt file\. Name a folder with/],
    ['--authfile', 'none', /--authfile: none does not exist\. Log in/],
  ])('names the option %s and its value %s', async (option, value, words) => {
    const its = await world(signed);
    const { code, err } = await inspect({ ...its, files: { 'keys/a.pem': 'K' } }, option, value);

    expect([code, err]).toEqual([1, expect.stringMatching(words)]);
  });

  it.each([
    ['by an unknown authority', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', /of its authority: --cert-dir FOLDER\./],
    ['by itself', 'DEPTH_ZERO_SELF_SIGNED_CERT', /of its authority: --cert-dir FOLDER\./],
    ['for another name', 'ERR_TLS_CERT_ALTNAME_INVALID', /--tls-verify=false\./],
    ['not at all', 'ERR_SSL_WRONG_VERSION_NUMBER', /say --plain-http\./],
    ['nowhere', 'ECONNREFUSED', /Check the address and the network\./],
  ])('tells what to do where a certificate is %s', async (_name, socket, words) => {
    const cause = Object.assign(new Error('no'), { code: socket });
    const request = () =>
      Promise.reject(new AppError('REGISTRY_UNREACHABLE', 'It is not reached.', { cause }));
    const { code, err } = await inspect({ registry: () => ({ request }) });

    expect([code, err]).toEqual([1, expect.stringMatching(words)]);
  });
});
