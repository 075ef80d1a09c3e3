import type { Log } from './log.ts';

/** How long a stop may take before the process ends anyway: below the 30 s that Kubernetes gives a pod. */
const STOP_MS_MAX = 20_000;

/**
 * Runs the main function of a process: SIGTERM and SIGINT abort it and it gets time to end; a failure or an unhandled
 * rejection is logged and ends the process with code 1.
 */
export async function runProcess(log: Log, main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const end = (event: string, error: unknown) => {
    log.error(event, { err: error });
    process.exit(1);
  };
  process.on('unhandledRejection', (error) => end('process.bug', error));
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info('process.stopping', { reason: name });
      setTimeout(
        () => end('process.stuck', new Error('The process did not stop in time.')),
        STOP_MS_MAX,
      ).unref();
      stop.abort();
    });
  }
  try {
    await main(stop.signal);
    process.exit(0);
  } catch (error) {
    end('process.failed', error);
  }
}
