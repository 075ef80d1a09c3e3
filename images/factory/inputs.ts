import { createHmac } from 'node:crypto';
import {
  bad,
  type Checked,
  type Finding,
  good,
  type ModuleImageSpec,
  readDataKey,
  readDockerfile,
} from '@kmm-fleet/api';
import { canonicalJson } from '@kmm-fleet/runtime';
import type { BuildSecret } from '../builders/builder.ts';
import type { SigningPair } from '../signing/module-signature.ts';
import { readSigningPair } from '../signing/signing-pair.ts';
import { buildArguments } from './build-args.ts';
import { readDockerfileFacts } from './dockerfile.ts';
import { toolkitFor } from './toolkits.ts';

/** Reads what recipes refer to. Values of Secrets are bytes, of ConfigMaps texts; undefined: it does not exist. */
export interface InputSource {
  configMap(name: string): Readonly<Record<string, string>> | undefined;
  secret(name: string): Readonly<Record<string, Uint8Array>> | undefined;
  toolkits(): Readonly<Record<string, string>> | undefined;
  /** Key of the hashes: without it they would be guesses that anybody could check. */
  readonly hashKey: Uint8Array;
}

/** Everything that goes into one image, read once and complete. */
export interface Inputs {
  readonly dockerConfig?: string;
  readonly build?: {
    readonly dockerfile: string;
    readonly args: Readonly<Record<string, string>>;
    readonly secrets: readonly BuildSecret[];
    readonly bases: readonly string[];
  };
  readonly sign?: { readonly pair: SigningPair; readonly files: readonly string[] };
  /** Over the build without base digests. */
  readonly buildHash: string;
  /** Over everything without base digests. */
  readonly staticHash: string;
}

/** Reads the inputs of a recipe, or all that is missing or wrong in them. */
export function readInputs(spec: ModuleImageSpec, source: InputSource, now: Date): Checked<Inputs> {
  const findings: Finding[] = [];
  const take = <T>(checked: Checked<T>): T | undefined => {
    if (checked.ok) return checked.value;
    findings.push(...checked.findings);
    return undefined;
  };
  const dockerConfig = spec.imageRepoSecret && take(readPullSecret(spec.imageRepoSecret.name ?? '', source));
  const build = spec.build && take(readBuild(spec, source));
  const sign = spec.sign && take(readSign(spec, source, now));
  if (findings.length > 0) return bad(...findings);
  const hash = (value: unknown) =>
    createHmac('sha256', source.hashKey).update(canonicalJson(value)).digest('hex');
  const generation = spec.imageRebuildTriggerGeneration ?? 0;
  const buildHash = hash({ image: spec.image, generation, build: build && hashable(build) });
  const signHash = hash({
    files: sign?.files,
    key: sign && keyText(sign.pair),
    source: spec.sign?.unsignedImage,
  });
  return good({
    ...(dockerConfig !== undefined && { dockerConfig }),
    ...(build && { build }),
    ...(sign && { sign }),
    buildHash,
    staticHash: hash({ buildHash, signHash: sign ? signHash : undefined }),
  });
}

/** The hash of inputs together with what their base images are now: equal means that nothing would come out differently. */
export function inputsHash(
  staticHash: string,
  bases: readonly { readonly reference: string; readonly digest: string }[],
  hashKey: Uint8Array,
): string {
  const sorted = bases.toSorted((a, b) => (a.reference < b.reference ? -1 : 1));
  return createHmac('sha256', hashKey)
    .update(canonicalJson({ staticHash, bases: sorted }))
    .digest('hex');
}

function readPullSecret(name: string, source: InputSource): Checked<string> {
  return readDataKey('Secret', name, texts(source.secret(name)), '.dockerconfigjson');
}

function readBuild(spec: ModuleImageSpec, source: InputSource): Checked<NonNullable<Inputs['build']>> {
  const name = spec.build?.dockerfileConfigMap.name ?? '';
  const dockerfile = readDockerfile(name, source.configMap(name));
  if (!dockerfile.ok) return dockerfile;
  const toolkit = dockerfile.value.includes('DTK_AUTO')
    ? toolkitFor(source.toolkits(), spec.kernelVersion)
    : undefined;
  if (toolkit && !toolkit.ok) return toolkit;
  const secrets: BuildSecret[] = [];
  for (const { name: secretName = '' } of spec.build?.secrets ?? []) {
    const files = source.secret(secretName);
    if (!files) return readDataKey('Secret', secretName, undefined, '<file>') as Checked<never>;
    secrets.push({ name: secretName, files });
  }
  const args = buildArguments(spec, toolkit?.value);
  const { bases } = readDockerfileFacts(dockerfile.value, args);
  return good({ dockerfile: dockerfile.value, args, secrets, bases });
}

function readSign(
  spec: ModuleImageSpec,
  source: InputSource,
  now: Date,
): Checked<NonNullable<Inputs['sign']>> {
  const read = (secret: string, key: string) => {
    const data = source.secret(secret);
    const checked = readDataKey('Secret', secret, texts(data), key);
    return checked.ok ? good({ secret, bytes: data?.[key] ?? new Uint8Array() }) : checked;
  };
  const key = read(spec.sign?.keySecret.name ?? '', 'key');
  const cert = read(spec.sign?.certSecret.name ?? '', 'cert');
  if (!key.ok || !cert.ok) return bad(...(key.ok ? [] : key.findings), ...(cert.ok ? [] : cert.findings));
  const pair = readSigningPair(key.value, cert.value, now);
  return pair.ok ? good({ pair: pair.value, files: spec.sign?.filesToSign ?? [] }) : pair;
}

function hashable({ dockerfile, args, secrets }: NonNullable<Inputs['build']>): unknown {
  const contents = secrets.map(({ name, files }) => ({ name, files: texts(files, 'base64') }));
  return { dockerfile, args, secrets: contents };
}

function keyText({ key, certificate }: SigningPair): string {
  return key.export({ type: 'pkcs8', format: 'der' }).toString('base64') + certificate.raw.toString('base64');
}

function texts(
  data: Readonly<Record<string, Uint8Array>> | undefined,
  encoding: 'utf8' | 'base64' = 'utf8',
): Record<string, string> | undefined {
  if (!data) return undefined;
  return Object.fromEntries(
    Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString(encoding)]),
  );
}
