import type { NodeSystem } from '@kmm-fleet/api';

/** What nodes run, told by whoever sees them: of one cluster, or of a fleet. */
export interface Systems {
  /** Replaces what one source tells: a node, or a cluster. */
  set(source: string, systems: readonly NodeSystem[]): void;
  /** Each pair once. */
  all(): readonly NodeSystem[];
  /** Called when a pair came that nobody told before, or the last that told one does no more. */
  onChange(handler: () => void): void;
  /** Told when every source has been heard once. */
  complete(): void;
  whenComplete(): Promise<void>;
}

/** Counts who tells what, so that one of thousands of clusters costs only what it tells. */
export function createSystems(): Systems {
  const told = new Map<string, readonly NodeSystem[]>();
  const pairs = new Map<string, { readonly system: NodeSystem; readonly sources: Set<string> }>();
  const handlers: (() => void)[] = [];
  const completed = Promise.withResolvers<void>();
  const keyOf = ({ kernel, version }: NodeSystem) => `${kernel} ${version}`;

  const leave = (source: string, key: string) => {
    const pair = pairs.get(key);
    pair?.sources.delete(source);
    return pair?.sources.size === 0 && pairs.delete(key);
  };

  const join = (source: string, system: NodeSystem) => {
    const key = keyOf(system);
    const isNew = !pairs.has(key);
    const pair = pairs.get(key) ?? { system, sources: new Set() };
    pairs.set(key, pair);
    pair.sources.add(source);
    return isNew;
  };

  return {
    set(source, systems) {
      const keys = new Set(systems.map(keyOf));
      const gone = (told.get(source) ?? []).map(keyOf).filter((key) => !keys.has(key));
      const left = gone.filter((key) => leave(source, key));
      const joined = systems.filter((system) => join(source, system));
      if (systems.length > 0) told.set(source, systems);
      else told.delete(source);
      if (left.length + joined.length > 0) for (const handler of handlers) handler();
    },
    all: () => [...pairs.values()].map(({ system }) => system),
    onChange: (handler) => void handlers.push(handler),
    complete: completed.resolve,
    whenComplete: () => completed.promise,
  };
}
