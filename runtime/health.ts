import type { Metrics } from './metrics.ts';
import { http } from './node-http.ts';

export interface HealthOptions {
  readonly port: number;
  readonly host?: string;
  readonly metrics: Metrics;
  /** Why no work can be going on; undefined when all is well. */
  readonly notReady: () => string | undefined;
  /** Why only a restart helps. That it is asked and answers shows that the event loop turns. */
  readonly sick: () => string | undefined;
}

const verdict = (problem: string | undefined): [number, string] =>
  problem ? [503, `${problem}\n`] : [200, 'ok\n'];

/** Serves /healthz, /readyz and /metrics over HTTP. Port 0 takes a free one. */
export function serveHealth(
  options: HealthOptions,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const answers: Record<string, () => Promise<[number, string]>> = {
    '/healthz': async () => verdict(options.sick()),
    '/readyz': async () => verdict(options.notReady()),
    '/metrics': async () => [200, await options.metrics.text()],
  };
  const server = http.createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const answer = answers[path] ?? (async () => [404, 'not found\n'] as [number, string]);
    void answer()
      .catch((error: unknown): [number, string] => [500, `${String(error)}\n`])
      .then(([status, body]) => response.writeHead(status, { 'content-type': 'text/plain' }).end(body));
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(options.port, options.host, () => {
      const address = server.address();
      const port = address && typeof address === 'object' ? address.port : options.port;
      resolve({ port, close: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
