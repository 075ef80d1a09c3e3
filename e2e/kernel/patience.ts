import { until as wait } from '@kmm-fleet/lab';

/** Ten times what it takes on a machine with nothing else to do: kernels are emulated. */
const PATIENCE_MS = 600_000;
const PAUSE_MS = 500;

export const until: typeof wait = (what, look, patience) =>
  wait(what, look, { endMs: Date.now() + PATIENCE_MS, pauseMs: PAUSE_MS, ...patience });
