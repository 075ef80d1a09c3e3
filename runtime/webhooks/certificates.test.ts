import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { AppError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { CORE, type KubeObject } from '../kube/object.ts';
import { silentLog } from '../log.ts';
import { createManualClock } from '../manual-clock.ts';
import { TEST_TLS } from '../testing/tls-pair.ts';
import { makeCertificate } from './certificate.ts';
import { watchCertificateFolder } from './certificate-folder.ts';
import { keepOwnCertificate } from './own-certificate.ts';
import { isDue, pairProblem, type ServingPair } from './serving-pair.ts';

const HOST = 'kmm-operator-webhook.openshift-kmm.svc';
const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 1);

it('a made certificate is for one host and ninety days, and a client that trusts it alone accepts it', async () => {
  const pair = await makeCertificate('127.0.0.1', Date.now());
  const server = createServer(pair, (_request, response) => response.end('ok')).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.on('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (ca: string) =>
    new Promise((resolve) => {
      request({ host: '127.0.0.1', port, ca, agent: false }, ({ statusCode, ...rest }) => {
        rest.socket?.destroy();
        resolve(statusCode);
      })
        .on('error', ({ message }) => resolve(message))
        .end();
    });

  expect(await ask(pair.cert)).toBe(200);
  expect(await ask(TEST_TLS.cert)).toMatch(/self-signed/);
  const { validFromDate, validToDate, ca } = new X509Certificate(pair.cert);
  expect([ca, Math.round((validToDate.getTime() - validFromDate.getTime()) / DAY_MS)]).toEqual([false, 90]);
});

it('a certificate is due after two thirds of its life, for another host, and when it cannot be read', async () => {
  const { cert } = await makeCertificate(HOST, NOW);

  expect(isDue(cert, HOST, NOW + 59 * DAY_MS)).toBe(false);
  expect(isDue(cert, HOST, NOW + 61 * DAY_MS)).toBe(true);
  expect(isDue(cert, 'elsewhere.svc', NOW)).toBe(true);
  expect(isDue('', HOST, NOW)).toBe(true);
});

/** An API server with room for the Secret, and a list of what webhooks were told to trust. */
function keeper() {
  const state = { secret: undefined as KubeObject | undefined, version: 0, isDown: false, daysOn: 0 };
  const manual = createManualClock(NOW);
  const clock = { ...manual, now: () => manual.now() + state.daysOn * DAY_MS };
  const told: { trusted: string; at: number }[] = [];
  const store = (object: KubeObject) => {
    state.version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(state.version) };
    state.secret = structuredClone({ ...object, metadata });
    return state.secret;
  };
  const client: Partial<KubeClient> = {
    get: async () => {
      if (state.isDown) throw new AppError('API_UNREACHABLE', 'down');
      return structuredClone(state.secret);
    },
    create: async (_type, object) => {
      if (state.secret) throw new AppError('ALREADY_EXISTS', 'there is one');
      return store(object);
    },
    replace: async (_type, object) => {
      if (object.metadata.resourceVersion !== state.secret?.metadata.resourceVersion)
        throw new AppError('CONFLICT', 'changed');
      return store(object);
    },
    apply: async (type, object) => {
      expect(type).toBe(CORE.validatingWebhookConfiguration);
      const [{ clientConfig }] = object['webhooks'] as [{ clientConfig: { caBundle: string } }];
      told.push({ trusted: Buffer.from(clientConfig.caBundle, 'base64').toString(), at: clock.now() });
      return object;
    },
  };
  const start = () => {
    const stop = new AbortController();
    const used: { pair: ServingPair; at: number }[] = [];
    const options = {
      ...{ client: client as KubeClient, clock, log: silentLog, namespace: 'openshift-kmm' },
      ...{ name: 'kmm-operator-webhook', webhooks: ['vmodule.kb.io'], host: HOST, make: makeCertificate },
    };
    const use = async (pair: ServingPair) => void used.push({ pair, at: clock.now() });
    const running = keepOwnCertificate(options, use, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
    return used;
  };
  /** Keys are made by another thread, which a manual clock does not wait for. */
  const until = (check: () => boolean) =>
    vi.waitFor(
      async () => {
        await clock.settle();
        expect(check()).toBe(true);
      },
      { timeout: 4_000, interval: 1 },
    );
  return { clock, state, told, start, until };
}

it('two processes make one certificate, and show it only when webhooks trust it', async () => {
  const { start, told, until } = keeper();

  const [first, second] = [start(), start()];
  await until(() => first.length > 0 && second.length > 0);

  expect(first[0]?.pair.cert).toBe(second[0]?.pair.cert);
  expect(pairProblem(first[0]?.pair as ServingPair)).toBeUndefined();
  expect(new Set(told.map(({ trusted }) => trusted))).toEqual(new Set([first[0]?.pair.cert]));
});

it('the next certificate is trusted beside the last one before it is shown', async () => {
  const { clock, state, start, told, until } = keeper();
  const used = start();
  await until(() => used.length === 1);
  const trustedBefore = told.length;

  state.daysOn = 62;
  await clock.advance(60_000);
  await until(() => told.length > trustedBefore && told.at(-1)?.trusted !== used[0]?.pair.cert);
  await clock.advance(20_000);
  await until(() => used.length === 2);

  const [before, after] = used as [(typeof used)[0], (typeof used)[0]];
  expect(after.pair.cert).not.toBe(before.pair.cert);
  const both = told.find(({ trusted }) => trusted === after.pair.cert + before.pair.cert);
  expect(after.at - (both?.at ?? after.at)).toBeGreaterThanOrEqual(10_000);
});

it('an API server that is down is waited out, and a spoilt Secret is mended', async () => {
  const { clock, state, start, until } = keeper();
  state.isDown = true;
  const used = start();
  await clock.advance(120_000);
  expect(used).toEqual([]);

  state.isDown = false;
  await clock.advance(60_000);
  await until(() => used.length === 1);
  state.secret = { ...(state.secret as KubeObject), data: { 'tls.crt': 'AAAA' } };
  await clock.advance(60_000);
  await until(() => state.version === 2);

  expect(state.version).toBe(2);
});

it('a folder is read at first and when it changes, and half of a pair is waited out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-pair-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = ({ cert, key }: ServingPair) => {
    writeFileSync(join(folder, 'tls.crt'), cert);
    writeFileSync(join(folder, 'tls.key'), key);
  };
  const clock = createManualClock();
  const [stop, used] = [new AbortController(), [] as string[]];
  const use = async ({ cert }: ServingPair) => void used.push(cert);
  const running = watchCertificateFolder({ folder, clock, log: silentLog }, use, stop.signal);
  const look = async () => {
    await clock.advance(10_000);
    await vi.waitFor(() => expect(clock.pending()).toBe(1), { timeout: 4_000, interval: 1 });
  };
  await look();
  expect(used).toEqual([]);

  write(TEST_TLS);
  await look();
  const next = await makeCertificate(HOST, NOW);
  write({ ...next, key: TEST_TLS.key });
  await look();
  expect(used).toEqual([TEST_TLS.cert]);

  write(next);
  await look();
  await look();
  expect(used).toEqual([TEST_TLS.cert, next.cert]);
  stop.abort();
  await running;
});
