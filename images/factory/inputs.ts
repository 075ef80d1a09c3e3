import { createHmac } from 'node:crypto';
import {
  bad,
  type Checked,
  checkBuildSecret,
  DATA_KEYS,
  type Finding,
  good,
  type ModuleImageSpec,
  readDataKey,
  readDockerfile,
} from '@kmm-fleet/api';
import { canonicalJson } from '@kmm-fleet/runtime';
import type { BuildSecret } from '../builders/builder.ts';
import type { SigningPair } from '../signing/module-signature.ts';
import { readSigningPair, validityFinding } from '../signing/signing-pair.ts';
import { planToolkit, type Toolkits, usesToolkit } from '../toolkits/plan-toolkit.ts';
import { buildArguments } from './build-args.ts';
import { type DockerfileFacts, readDockerfileFacts } from './dockerfile.ts';

/** Reads what recipes refer to. Values of Secrets are bytes, of ConfigMaps texts; undefined: it does not exist. */
export interface InputSource {
  configMap(name: string): Readonly<Record<string, string>> | undefined;
  secret(name: string): Readonly<Record<string, Uint8Array>> | undefined;
  toolkits(): Toolkits;
  /** Key of the hashes: without it they would be guesses that anybody could check. */
  readonly hashKey: Uint8Array;
}

/** Everything that goes into one image, read once and complete. */
export interface Inputs {
  readonly dockerConfig?: string;
  readonly build?: {
    readonly dockerfile: string;
    readonly facts: DockerfileFacts;
    readonly args: Readonly<Record<string, string>>;
    readonly secrets: readonly BuildSecret[];
  };
  readonly sign?: {
    readonly pair: SigningPair;
    readonly files: readonly string[];
    /** Why nothing can be signed today. What is signed already stays good: kernels do not look at the dates. */
    readonly refusal?: Finding;
  };
  /** What it starts from: the bases of the Dockerfile, or the image to sign. */
  readonly bases: readonly string[];
  /** Over what is built or taken, without the digests of bases and without the signature. */
  readonly staticHash: string;
  readonly signHash: string;
  /** Over how registries are spoken to: nothing that comes out depends on it, but whether something does. */
  readonly accessHash: string;
}

/** An image that something starts from, as it was when the inputs were read. */
export interface BaseImage {
  readonly reference: string;
  readonly digest: string;
}

/** Reads the inputs of a recipe, or all that is missing or wrong in them. */
export function readInputs(spec: ModuleImageSpec, source: InputSource, now: Date): Checked<Inputs> {
  const findings: Finding[] = [];
  const take = <T>(checked: Checked<T>): T | undefined => {
    if (checked.ok) return checked.value;
    findings.push(...checked.findings);
    return undefined;
  };
  const dockerConfig = spec.imageRepoSecret && take(readPullSecret(spec, source));
  const build = spec.build && take(readBuild(spec, source));
  const sign = spec.sign && take(readSign(spec, source, now));
  if (findings.length > 0) return bad(...findings);
  const generation = spec.imageRebuildTriggerGeneration ?? 0;
  const toSign = build || !spec.sign ? [] : [spec.sign.unsignedImage ?? ''];
  return good({
    ...(dockerConfig !== undefined && { dockerConfig }),
    ...(build && { build }),
    ...(sign && { sign }),
    bases: build?.facts.bases ?? toSign,
    staticHash: hash(source, { image: spec.image, generation, build: build && hashable(build), toSign }),
    signHash: hash(source, sign && { files: sign.files, key: keyText(sign.pair) }),
    accessHash: hash(source, {
      dockerConfig,
      target: spec.registryTLS,
      base: spec.build?.baseImageRegistryTLS,
      unsigned: spec.sign?.unsignedImageRegistryTLS,
    }),
  });
}

/** Whether a toolkit is one of the inputs, as the Dockerfile is now. */
export function asksForToolkit(spec: ModuleImageSpec, source: InputSource): boolean {
  const dockerfile = spec.build && readDockerfileOf(spec, source);
  return Boolean(dockerfile?.ok && usesToolkit(dockerfile.value));
}

/**
 * The hashes of inputs together with what their bases are now: equal means that nothing would come out differently.
 * `build` leaves the signature out: a new key signs again and builds nothing.
 */
export function hashesOf(
  { staticHash, signHash }: Inputs,
  bases: readonly BaseImage[],
  source: InputSource,
): { readonly build: string; readonly all: string } {
  const sorted = bases.toSorted((a, b) => (a.reference < b.reference ? -1 : 1));
  const build = hash(source, { staticHash, bases: sorted });
  return { build, all: hash(source, { build, signHash }) };
}

/** Under which failures are counted: other inputs or another login are tried at once. */
export function tryHashOf(
  { staticHash, accessHash }: Inputs,
  all: string | undefined,
  source: InputSource,
): string {
  return hash(source, { inputs: all ?? staticHash, accessHash });
}

function hash({ hashKey }: InputSource, value: unknown): string {
  return createHmac('sha256', hashKey)
    .update(canonicalJson(value ?? null))
    .digest('hex');
}

/** How messages name what a recipe refers to. */
const inNamespace = ({ module: { namespace } }: ModuleImageSpec, name: string) => `${namespace}/${name}`;

function readPullSecret(spec: ModuleImageSpec, source: InputSource): Checked<string> {
  const name = spec.imageRepoSecret?.name ?? '';
  return readDataKey('Secret', inNamespace(spec, name), texts(source.secret(name)), DATA_KEYS.login);
}

function readDockerfileOf(spec: ModuleImageSpec, source: InputSource): Checked<string> {
  const name = spec.build?.dockerfileConfigMap.name ?? '';
  return readDockerfile(inNamespace(spec, name), source.configMap(name));
}

function readBuild(spec: ModuleImageSpec, source: InputSource): Checked<NonNullable<Inputs['build']>> {
  const dockerfile = readDockerfileOf(spec, source);
  if (!dockerfile.ok) return dockerfile;
  const toolkit = usesToolkit(dockerfile.value)
    ? planToolkit(source.toolkits(), spec.kernelVersion)
    : undefined;
  if (toolkit && !toolkit.ok) return toolkit;
  const secrets: BuildSecret[] = [];
  for (const { name: secretName = '' } of spec.build?.secrets ?? []) {
    const files = source.secret(secretName);
    if (!files) return bad(...checkBuildSecret(inNamespace(spec, secretName), undefined));
    secrets.push({ name: secretName, files });
  }
  const args = buildArguments(spec, toolkit?.value);
  const facts = readDockerfileFacts(dockerfile.value, args);
  return facts.ok ? good({ dockerfile: dockerfile.value, facts: facts.value, args, secrets }) : facts;
}

function readSign(
  spec: ModuleImageSpec,
  source: InputSource,
  now: Date,
): Checked<NonNullable<Inputs['sign']>> {
  const read = (secret: string, key: string) => {
    const data = source.secret(secret);
    const checked = readDataKey('Secret', inNamespace(spec, secret), texts(data), key);
    return checked.ok
      ? good({ secret: inNamespace(spec, secret), bytes: data?.[key] ?? new Uint8Array() })
      : checked;
  };
  const key = read(spec.sign?.keySecret.name ?? '', 'key');
  const cert = read(spec.sign?.certSecret.name ?? '', 'cert');
  if (!key.ok || !cert.ok) return bad(...(key.ok ? [] : key.findings), ...(cert.ok ? [] : cert.findings));
  const pair = readSigningPair(key.value, cert.value);
  if (!pair.ok) return pair;
  const refusal = validityFinding(pair.value, cert.value.secret, now);
  return good({ pair: pair.value, files: spec.sign?.filesToSign ?? [], ...(refusal && { refusal }) });
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
