import { BuildUnwanted } from '../builders/builder.ts';

/** Builds under way, and whether what they build is still wanted. */
export interface CurrentBuilds {
  /**
   * Runs a build that ends as soon as {@link CurrentBuilds.look} finds that other inputs are wanted.
   *
   * @returns undefined then, and when they are wanted already: the pass that read these inputs takes its time
   */
  run<T>(
    name: string,
    staticHash: string,
    task: (current: AbortSignal) => Promise<T>,
  ): Promise<T | undefined>;
  /** Something about an image has changed. */
  look(name: string): void;
}

/** @param wanted hash of what is wanted under a name now; undefined: nothing that can be built */
export function createCurrentBuilds(wanted: (name: string) => string | undefined): CurrentBuilds {
  const running = new Map<string, { readonly staticHash: string; readonly stop: AbortController }>();
  return {
    async run(name, staticHash, task) {
      if (wanted(name) !== staticHash) return undefined;
      const stop = new AbortController();
      running.set(name, { staticHash, stop });
      try {
        return await task(stop.signal);
      } catch (error) {
        if (stop.signal.aborted) return undefined;
        throw error;
      } finally {
        running.delete(name);
      }
    },
    look(name) {
      const build = running.get(name);
      if (build && wanted(name) !== build.staticHash)
        build.stop.abort(new BuildUnwanted('Other inputs are wanted by now.'));
    },
  };
}
