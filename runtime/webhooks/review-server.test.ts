import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../log.ts';
import { TEST_TLS } from '../testing/tls-pair.ts';
import { makeCertificate } from './certificate.ts';
import { serveReviews } from './review-server.ts';

async function world() {
  const answers = {
    '/yes': (review: unknown) => ({ seen: review }),
    '/never': () => undefined,
    '/bug': () => {
      throw new Error('a secret of the process');
    },
  };
  const server = await serveReviews({ port: 0, host: '127.0.0.1', pair: TEST_TLS, answers, log: silentLog });
  onTestFinished(() => server.close());
  const send = (path: string, body = '{}', method = 'POST') =>
    new Promise<{ status: number; body: string; cert: string }>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, path, method, agent: false };
      request({ ...options, rejectUnauthorized: false }, (response) => {
        const cert = (response.socket as TLSSocket).getPeerX509Certificate()?.toString() ?? '';
        text(response).then(
          (told) => resolve({ status: response.statusCode ?? 0, body: told, cert }),
          reject,
        );
      })
        .on('error', reject)
        .end(body);
    });
  return { server, send };
}

it.each<[string, string, string, number, RegExp]>([
  ['/yes', 'POST', '{"a":1}', 200, /^\{"seen":\{"a":1\}\}$/],
  ['/yes?timeout=5s', 'POST', '{}', 200, /seen/],
  ['/yes', 'POST', '{"a"', 400, /Send an AdmissionReview/],
  ['/yes', 'POST', '', 400, /Send an AdmissionReview/],
  ['/yes', 'GET', '', 405, /by POST/],
  ['/never', 'POST', '{}', 400, /Send an AdmissionReview/],
  ['/constructor', 'POST', '{}', 404, /Nothing/],
  ['/bug', 'POST', '{}', 500, /^\{"message":"The review failed; see the log of the operator\."\}$/],
])('%s by %s with %j', async (path, method, body, status, words) => {
  const { send } = await world();

  const answer = await send(path, body, method);

  expect(answer).toMatchObject({ status, body: expect.stringMatching(words) });
});

it('refuses more than two objects can be', async () => {
  const { send } = await world();

  const sent = send('/yes', `"${'x'.repeat(9 * 1024 * 1024)}"`);

  // It stops reading: the sender sees the refusal or a connection that is closed.
  expect(
    await sent.then(
      ({ status }) => status,
      () => 400,
    ),
  ).toBe(400);
  expect((await send('/yes')).status).toBe(200);
});

it('shows a new certificate to whoever connects from then on', async () => {
  const { server, send } = await world();
  expect((await send('/yes')).cert).toBe(TEST_TLS.cert);
  const next = await makeCertificate('127.0.0.1', Date.now());

  server.use(next);

  expect((await send('/yes')).cert.trim()).toBe(next.cert.trim());
});
