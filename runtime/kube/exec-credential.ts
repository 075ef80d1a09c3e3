import { execFile } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { lastLines } from '../last-lines.ts';

/** What a user shows to an API server. Certificate and key are PEM texts. */
export interface Credential {
  readonly token?: string | undefined;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
}

/** Credentials that come from outside and end. */
export interface CredentialSource {
  /** The one at hand while it is good, else a new one. @throws {Error} that says what failed */
  get(): Promise<Credential>;
  /** The server did not accept it: the next one is new. */
  forget(): void;
}

/** `users[].user.exec` of a kubeconfig. */
export const ExecSpec = z.looseObject({
  apiVersion: z.enum(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: z.string().optional(),
  provideClusterInfo: z.boolean().optional(),
  interactiveMode: z.enum(['Never', 'IfAvailable', 'Always']).optional(),
});
export type ExecSpec = z.infer<typeof ExecSpec>;

const Answer = z.looseObject({
  kind: z.literal('ExecCredential'),
  status: z.looseObject({
    expirationTimestamp: z.string().optional(),
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
  }),
});

const PLUGIN_MS = 60_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
const HINT_CHARS_MAX = 500;

/**
 * Runs a credential plugin as kubectl does, never more than one at a time, and keeps what it gives until it expires.
 *
 * @param from.file kubeconfig that names the plugin; a command with a slash is relative to it
 * @param from.cluster what the plugin is told of the cluster when it asks for it
 */
export function execCredential(
  spec: ExecSpec,
  from: { readonly file: string; readonly user: string; readonly cluster: object },
  env: Readonly<Record<string, string | undefined>>,
  now: () => number = Date.now,
): CredentialSource {
  let held: { readonly credential: Credential; readonly untilMs: number } | undefined;
  let running: Promise<Credential> | undefined;
  const fetch = async (): Promise<Credential> => {
    const { status } = readAnswer(await runPlugin(spec, from, env), spec, from);
    const { token, clientCertificateData: clientCert, clientKeyData: clientKey } = status;
    const expires = Date.parse(status.expirationTimestamp ?? '');
    const credential = { token, clientCert, clientKey };
    held = { credential, untilMs: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires };
    return credential;
  };
  return {
    async get() {
      if (held && now() < held.untilMs) return held.credential;
      running ??= fetch().finally(() => {
        running = undefined;
      });
      return running;
    },
    forget() {
      held = undefined;
    },
  };
}

type From = Parameters<typeof execCredential>[1];

function runPlugin(
  spec: ExecSpec,
  { file, user, cluster }: From,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { command, args, interactiveMode } = spec;
  const name = `The credential plugin ${command} of user ${user} in ${file}`;
  if (interactiveMode === 'Always')
    return Promise.reject(new Error(`${name} wants to ask somebody. Use one that does not, or a token.`));
  const info = {
    apiVersion: spec.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(spec.provideClusterInfo && { cluster }) },
  };
  const own = Object.fromEntries((spec.env ?? []).map(({ name: key, value }) => [key, value]));
  const program = command.includes('/') ? resolve(dirname(file), command) : command;
  return new Promise((fulfil, reject) => {
    const child = execFile(
      program,
      args ?? [],
      {
        env: { ...env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
        timeout: PLUGIN_MS,
        maxBuffer: ANSWER_BYTES_MAX,
        encoding: 'utf8',
      },
      (error, stdout, stderr) => {
        if (!error) return fulfil(stdout);
        const isMissing = error.code === 'ENOENT';
        const why = isMissing
          ? 'is not installed.'
          : `failed: ${lastLines(stderr.trim(), HINT_CHARS_MAX) || 'it said nothing'}`;
        const hint = isMissing && spec.installHint ? ` ${spec.installHint.slice(0, HINT_CHARS_MAX)}` : '';
        reject(new Error(`${name} ${why}${hint}`, { cause: error.code }));
      },
    );
    child.stdin?.end();
  });
}

/** Nothing of the answer is told: it holds the credential. */
function readAnswer(
  text: string,
  { apiVersion, command }: ExecSpec,
  { user, file }: From,
): z.infer<typeof Answer> {
  const name = `The credential plugin ${command} of user ${user} in ${file}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${name} gave no JSON.`);
  }
  const parsed = Answer.safeParse(value);
  const isVersion = (value as { apiVersion?: unknown } | null)?.apiVersion === apiVersion;
  if (!parsed.success || !isVersion) throw new Error(`${name} gave no ExecCredential of ${apiVersion}.`);
  const { token, clientCertificateData, clientKeyData } = parsed.data.status;
  if (!token && !(clientCertificateData && clientKeyData))
    throw new Error(`${name} gave neither a token nor a certificate with its key.`);
  return parsed.data;
}
