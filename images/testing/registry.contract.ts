import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pullImage } from '../layers/pull-image.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { verifyModule } from '../signing/module-signature.ts';
import { signImage } from '../signing/sign-image.ts';
import { makeModule } from './make-module.ts';
import { pushImage } from './push-image.ts';
import { testPair } from './test-keys.ts';

export interface RegistryUnderTest {
  readonly registry: Registry;
  /** `host:port` */
  readonly address: string;
  readonly access: RegistryAccess;
  close(): Promise<void>;
}

export interface RegistryProvider {
  start(): Promise<RegistryUnderTest>;
  readonly needsLogin: boolean;
  /** Why it cannot be had here. */
  readonly missing?: string;
}

/** What everything above relies on in a registry and our client of it, whichever registry it is. */
export function describeRegistry(name: string, { start, needsLogin, missing }: RegistryProvider): void {
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    let its: RegistryUnderTest;
    const reference = (repository = 'kmod') => `${its.address}/contract/${repository}:1`;
    const by = (digest: string, repository = 'kmod') => `${its.address}/contract/${repository}@${digest}`;
    const push = (files: Record<string, Uint8Array | string>, repository?: string) =>
      pushImage(its.registry, reference(repository), its.access, files, { made: 'here' });

    beforeAll(async () => {
      its = await start();
    });
    afterAll(() => its.close());

    it('gives back what was pushed, by tag and by digest', async () => {
      const digest = await push({ '/opt/a': 'hello' });

      expect(await its.registry.resolve(reference(), its.access)).toBe(digest);
      for (const text of [reference(), by(digest)]) {
        const pulled = await pullImage(its.registry, text, its.access);
        expect(Buffer.from(pulled.fs.readFile('/opt/a') ?? []).toString()).toBe('hello');
        expect(pulled.config.config?.Labels).toEqual({ made: 'here' });
      }
    });

    it('moves a tag and keeps what has a digest', async () => {
      const first = await push({ '/opt/a': 'one' });
      const second = await push({ '/opt/a': 'two' });

      expect(second).not.toBe(first);
      expect(await its.registry.resolve(reference(), its.access)).toBe(second);
      expect(await its.registry.resolve(by(first), its.access)).toBe(first);
    });

    it('pushes equal contents to equal digests', async () => {
      expect(await push({ '/a': 'x' })).toBe(await push({ '/a': 'x' }));
    });

    it('knows what is not there', async () => {
      expect(await its.registry.resolve(reference('none'), its.access)).toBeUndefined();
      expect(await its.registry.image(reference('none'), its.access)).toBeUndefined();
      expect(await its.registry.resolve(by(`sha256:${'0'.repeat(64)}`), its.access)).toBeUndefined();
    });

    it('takes a layer of several megabytes', async () => {
      const bytes = randomBytes(6 * 1024 * 1024);
      await push({ '/opt/large': bytes });

      const pulled = await pullImage(its.registry, reference(), its.access);
      expect(Buffer.from(pulled.fs.readFile('/opt/large') ?? []).equals(bytes)).toBe(true);
    });

    it('signs into another repository, with the layers that are there', async () => {
      const pair = testPair('rsa');
      const path = '/opt/lib/modules/6.1.0/kmm_a.ko';
      const source = by(
        await push({ [path]: makeModule({ name: 'kmm_a', kernel: '6.1.0' }) }, 'unsigned'),
        'unsigned',
      );
      const request = {
        source,
        sourceAccess: its.access,
        target: reference('signed'),
        targetAccess: its.access,
      };

      const { digest } = await signImage(its.registry, { ...request, files: [], pair, labels: {} });

      const { fs } = await pullImage(its.registry, by(digest, 'signed'), its.access);
      expect(verifyModule(fs.readFile(path) ?? new Uint8Array(), [pair.certificate])).toBe('signed');
    });

    it.each(needsLogin ? ['no login', 'a wrong login'] : [])('refuses who has %s', async (what) => {
      const auths = { [its.address]: { username: 'kmm', password: 'wr0ng' } };
      const access = what === 'no login' ? {} : { dockerConfig: JSON.stringify({ auths }) };

      await expect(its.registry.resolve(reference(), access)).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
        message: expect.not.stringContaining('wr0ng') as string,
      });
    });
  });
}
