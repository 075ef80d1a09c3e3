/** A queue between a writer and one reader who waits for it. */
export interface Channel<T> extends AsyncIterable<T> {
  push(value: T): void;
  /** Ends the reader after what is queued. */
  close(): void;
}

/** @param closed called once when the reader leaves or the channel is closed */
export function createChannel<T>(closed: () => void): Channel<T> {
  const queued: T[] = [];
  let wake: (() => void) | undefined;
  let isClosed = false;
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    closed();
    wake?.();
  };
  return {
    push(value) {
      if (isClosed) return;
      queued.push(value);
      wake?.();
    },
    close,
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const [next] = queued.splice(0, 1);
          if (next !== undefined) yield next;
          else if (isClosed) return;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        close();
      }
    },
  };
}

/** What is there at once, as a stream. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
