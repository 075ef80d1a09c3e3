/** Tells a round with a module that no other round uses meanwhile. */
export type TellSeed<Options, Round> = (seed: number, options: Options) => Promise<Round>;

/**
 * Lends each round the module that has been unused for longest. A round that fails gives its module back too, and its error names the seeds that
 * were told beside it: what struck them may be what it failed of.
 */
export function lendModules<Options, Round>(
  modules: readonly string[],
  tell: (seed: number, module: string, options: Options) => Promise<Round>,
): TellSeed<Options, Round> {
  const free = [...modules];
  /** Seeds that are being told, each with all that were told beside it. */
  const told = new Map<number, Set<number>>();
  return async (seed, options) => {
    const module = free.shift();
    if (!module) throw new RangeError('more rounds at once than modules');
    const beside = new Set(told.keys());
    for (const others of told.values()) others.add(seed);
    told.set(seed, beside);
    try {
      return await tell(seed, module, options);
    } catch (error) {
      const seeds = [...beside].join(', ') || 'none';
      throw new Error(`${(error as Error).message} (seeds beside it: ${seeds})`, { cause: error });
    } finally {
      told.delete(seed);
      free.push(module);
    }
  };
}
