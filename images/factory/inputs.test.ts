import type { ModuleImageSpec } from '@kmm-fleet/api';
import { describe, expect, it } from 'vitest';
import { inputSource, recipe, type SourceData, sourceData } from '../testing/recipes.ts';
import { testPair } from '../testing/test-keys.ts';
import { hashesOf, type Inputs, readInputs } from './inputs.ts';

const NOW = new Date('2027-01-01');
const BASES = [{ reference: 'registry.test/base:1', digest: 'sha256:1' }];
const secretFile = (text: string) => ({ token: Buffer.from(text) });

type Change = (spec: ModuleImageSpec, data: SourceData) => void;

function read(change: Change = () => {}, now = NOW): Inputs {
  const spec = recipe();
  const data = sourceData();
  change(spec, data);
  const inputs = readInputs(spec, inputSource(data), now);
  if (!inputs.ok)
    throw new Error(inputs.findings.map(({ reason, message }) => `${reason} ${message}`).join());
  return inputs.value;
}

const hashes = (inputs: Inputs, bases = BASES) => hashesOf(inputs, bases, inputSource());

const withSecret =
  (text: string): Change =>
  (spec, data) => {
    spec.build = { dockerfileConfigMap: { name: 'dockerfile' }, secrets: [{ name: 'token' }] };
    data.secrets['token'] = secretFile(text);
  };

const withKeys =
  (name: 'ec' | 'stranger'): Change =>
  (_spec, { secrets }) => {
    const { keyPem, certPem } = testPair(name);
    secrets['key'] = { key: keyPem };
    secrets['cert'] = { cert: certPem };
  };

describe('the hash of inputs', () => {
  it.each<[string, Change]>([
    [
      'the Dockerfile',
      (_spec, data) => (data.configMaps['dockerfile'] = { dockerfile: 'FROM registry.test/base:1' }),
    ],
    [
      'a build argument',
      (spec) => (spec.build = { ...recipe().build, buildArgs: [{ name: 'A', value: 'b' }] } as never),
    ],
    ['a build secret', withSecret('one')],
    ['the kernel', (spec) => (spec.kernelVersion = '6.1.0-2-amd64')],
    ['the image', (spec) => (spec.image = 'registry.test/kmod:2')],
    ['the rebuild generation', (spec) => (spec.imageRebuildTriggerGeneration = 1)],
    ['the module', (spec) => (spec.module = { ...spec.module, name: 'other' })],
    [
      'the toolkit',
      (_spec, data) =>
        Object.assign(data, {
          configMaps: { dockerfile: { dockerfile: 'ARG DTK_AUTO\nFROM ${DTK_AUTO}' } },
          toolkits: { catalogue: { all: '. registry.test/dtk:1' } },
        }),
    ],
  ])('changes with %s, and so does the hash of the build', (_what, change) => {
    const [before, after] = [hashes(read()), hashes(read(change))];

    expect(after.all).not.toBe(before.all);
    expect(after.build).not.toBe(before.build);
  });

  it.each<[string, Change]>([
    ['the key', withKeys('ec')],
    ['the files to sign', (spec) => (spec.sign = { ...recipe().sign, filesToSign: ['/a.ko'] } as never)],
    ['whether it is signed', (spec) => delete spec.sign],
  ])('changes with %s, while the hash of the build does not', (_what, change) => {
    const [before, after] = [hashes(read()), hashes(read(change))];

    expect(after.all).not.toBe(before.all);
    expect(after.build).toBe(before.build);
  });

  it('changes with the bytes of a secret', () => {
    expect(hashes(read(withSecret('one'))).all).not.toBe(hashes(read(withSecret('two'))).all);
  });

  it('changes with the digest of a base and not with the order of bases', () => {
    const other = { reference: 'a:1', digest: 'sha256:2' };
    const inputs = read();

    expect(hashes(inputs, [{ ...BASES[0]!, digest: 'sha256:9' }]).build).not.toBe(hashes(inputs).build);
    expect(hashes(inputs, [...BASES, other])).toEqual(hashes(inputs, [other, ...BASES]));
  });

  it.each<[string, Change]>([
    ['access to registries', (spec) => (spec.registryTLS = { insecureSkipTLSVerify: true })],
    ['the order of data keys', (_spec, data) => (data.secrets['key'] = { ...data.secrets['key'] })],
    [
      'the pull secret',
      (spec, data) => {
        spec.imageRepoSecret = { name: 'pull' };
        data.secrets['pull'] = { '.dockerconfigjson': Buffer.from('{}') };
      },
    ],
  ])('does not change with %s', (_what, change) => {
    expect(hashes(read(change))).toEqual(hashes(read()));
  });

  it('of access changes with the login and with TLS, so that a mended one is tried at once', () => {
    const accessOf = (change?: Change) => {
      const [spec, data] = [recipe({ imageRepoSecret: { name: 'pull' } }), sourceData()];
      data.secrets['pull'] = { '.dockerconfigjson': Buffer.from('{}') };
      change?.(spec, data);
      const inputs = readInputs(spec, inputSource(data), NOW);
      return inputs.ok ? inputs.value.accessHash : '';
    };
    const login: Change = (_spec, data) =>
      (data.secrets['pull'] = { '.dockerconfigjson': Buffer.from('{"auths":{}}') });
    const tls: Change = (spec) => (spec.registryTLS = { insecureSkipTLSVerify: true });

    expect(new Set([accessOf(), accessOf(login), accessOf(tls)]).size).toBe(3);
    expect(accessOf()).not.toBe('');
  });

  it('is nothing that one can guess without the key of the hub', () => {
    const inputs = readInputs(
      recipe(),
      inputSource({ ...sourceData(), hashKey: Buffer.from('another') }),
      NOW,
    );

    expect(inputs.ok && inputs.value.staticHash).not.toBe(read().staticHash);
  });
});

describe('inputs', () => {
  it('start from the bases of the Dockerfile, or from the image to sign', () => {
    const toSign: Change = (spec) => {
      delete spec.build;
      spec.sign = { ...recipe().sign, unsignedImage: 'registry.test/unsigned:1' } as never;
    };

    expect(read().bases).toEqual(['registry.test/base:1']);
    expect(read(toSign).bases).toEqual(['registry.test/unsigned:1']);
    expect(read((spec) => (delete spec.build, delete spec.sign)).bases).toEqual([]);
  });

  it('refuse to sign with a certificate that is out of its time, and hash the same', () => {
    const expired = read(undefined, new Date('2999-01-01'));

    expect(expired.sign?.refusal).toMatchObject({
      reason: 'CertificateExpired',
      message: expect.stringContaining('Secret ns/cert'),
    });
    expect(read().sign).not.toHaveProperty('refusal');
    expect(hashes(expired)).toEqual(hashes(read()));
  });

  it('tell everything that is missing at once', () => {
    const inputs = readInputs(
      recipe({ imageRepoSecret: { name: 'pull' } }),
      inputSource({ configMaps: {}, secrets: {} }),
      NOW,
    );

    expect(inputs.ok ? [] : inputs.findings.map(({ message }) => message).sort()).toEqual([
      expect.stringContaining('ConfigMap ns/dockerfile'),
      expect.stringContaining('Secret ns/cert'),
      expect.stringContaining('Secret ns/key'),
      expect.stringContaining('Secret ns/pull'),
    ]);
  });

  it.each<[string, Change, RegExp]>([
    [
      'a build Secret',
      (spec) => (spec.build = { ...recipe().build, secrets: [{ name: 'gone' }] } as never),
      /gone/,
    ],
    [
      'a key of another pair',
      (_spec, data) => (data.secrets['key'] = { key: testPair('ec').keyPem }),
      /does not belong/,
    ],
    [
      'bytes that are no key',
      (_spec, data) => (data.secrets['key'] = { key: Buffer.from('x') }),
      /no private key/,
    ],
    [
      'a toolkit',
      (_spec, data) => (data.configMaps['dockerfile'] = { dockerfile: 'FROM $DTK_AUTO' }),
      /kmm-driver-toolkits/,
    ],
    [
      'a base',
      (_spec, data) => (data.configMaps['dockerfile'] = { dockerfile: 'FROM $NONE' }),
      /BaseImageInvalid/,
    ],
  ])('tell of %s', (_what, change, message) => {
    expect(() => read(change)).toThrow(message);
  });

  it('never show a byte of a key in a finding', () => {
    const change: Change = (_spec, data) => (data.secrets['key'] = { key: Buffer.from('-----BEGIN s3cr3t') });

    expect(() => read(change)).toThrow(/^(?!.*s3cr3t)/);
  });
});
