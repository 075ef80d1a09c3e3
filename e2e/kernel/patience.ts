/** Ten times what it takes on a machine with nothing else to do: kernels are emulated. */
const PATIENCE_MS = 600_000;
const PAUSE_MS = 500;

/** Something that must not be seen even once. */
export class Lie extends Error {}

export async function until(what: string, seen: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  let last: unknown;
  const look = () =>
    seen().catch((error: unknown) => {
      if (error instanceof Lie) throw error;
      last = error;
    });
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`${what}: not seen in ${PATIENCE_MS / 1_000} s`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
