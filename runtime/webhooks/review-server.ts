import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { readBody } from '../kube/read-body.ts';
import type { Log } from '../log.ts';
import type { ServingPair } from './serving-pair.ts';

/** Answers what an API server sent to one path; undefined when that was nothing it can judge. Pure. */
export type ReviewAnswer = (review: unknown) => object | undefined;

export interface ReviewServer {
  readonly port: number;
  /** New connections see this certificate; those that are open go on. */
  use(pair: ServingPair): void;
  close(): Promise<void>;
}

/** An object and what it was before, each as large as etcd takes, with what JSON adds. */
const REVIEW_BYTES_MAX = 8 * 1024 * 1024;
/** An API server waits 30 s at most. */
const REQUEST_MS_MAX = 30_000;

/** Serves reviews over HTTPS. Whoever reaches it learns only what the rules say about what he sent. */
export function serveReviews(options: {
  readonly port: number;
  readonly host?: string;
  readonly pair: ServingPair;
  readonly answers: Readonly<Record<string, ReviewAnswer>>;
  readonly log: Log;
}): Promise<ReviewServer> {
  const { port, host, pair, log } = options;
  const answers = new Map(Object.entries(options.answers));
  const server = createServer(
    { ...pair, minVersion: 'TLSv1.2', requestTimeout: REQUEST_MS_MAX },
    (request, response) => {
      void answer(answers, request)
        .catch((error: unknown): Reply => {
          log.error('webhook.failed', { key: request.url ?? '', err: error });
          return [500, { message: 'The review failed; see the log of the operator.' }];
        })
        .then(([status, body]) =>
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        );
    },
  );
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve({
        port: address && typeof address === 'object' ? address.port : port,
        use: (next) => server.setSecureContext(next),
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeIdleConnections();
          }),
      });
    });
  });
}

type Reply = readonly [number, object];

async function answer(answers: ReadonlyMap<string, ReviewAnswer>, request: IncomingMessage): Promise<Reply> {
  const judge = answers.get(request.url?.split('?')[0] ?? '');
  if (!judge) return [404, { message: 'Nothing is reviewed here.' }];
  if (request.method !== 'POST') return [405, { message: 'Send an AdmissionReview by POST.' }];
  const review = parse(await readBody(request, REVIEW_BYTES_MAX).catch(() => ''));
  const verdict = review === undefined ? undefined : judge(review);
  return verdict
    ? [200, verdict]
    : [
        400,
        { message: `Send an AdmissionReview of admission.k8s.io/v1, of ${REVIEW_BYTES_MAX} bytes at most.` },
      ];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
