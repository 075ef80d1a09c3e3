import type { ModuleImageSpec } from '@kmm-fleet/api';
import type { InputSource } from '../factory/inputs.ts';
import type { Toolkits } from '../toolkits/plan-toolkit.ts';
import { testPair } from './test-keys.ts';

/** A recipe that builds and signs, and everything that it refers to. */
export function recipe(overrides: Partial<ModuleImageSpec> = {}): ModuleImageSpec {
  return {
    image: 'registry.test/kmod:6.1.0-1',
    kernelVersion: '6.1.0-1-amd64',
    module: { name: 'kmod', namespace: 'ns' },
    build: { dockerfileConfigMap: { name: 'dockerfile' } },
    sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' } },
    ...overrides,
  };
}

export interface SourceData {
  readonly configMaps: Record<string, Record<string, string> | undefined>;
  readonly secrets: Record<string, Record<string, Uint8Array> | undefined>;
  readonly toolkits?: Toolkits;
  readonly hashKey?: Uint8Array;
}

export function sourceData(): SourceData {
  const { keyPem, certPem } = testPair('rsa');
  return {
    configMaps: { dockerfile: { dockerfile: 'FROM registry.test/base:1\n' } },
    secrets: { key: { key: keyPem }, cert: { cert: certPem } },
  };
}

export function inputSource(
  { configMaps, secrets, toolkits, hashKey }: SourceData = sourceData(),
): InputSource {
  return {
    configMap: (name) => configMaps[name],
    secret: (name) => secrets[name],
    toolkits: () => toolkits ?? {},
    hashKey: hashKey ?? Buffer.from('a key of the tests'),
  };
}
