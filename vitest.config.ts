import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They begin first: what takes longest must not be what the others wait for in the end. */
const LONGEST = ['/e2e/crash.real.test.ts', '/e2e/faults.planes.test.ts', '/e2e/story.planes.test.ts'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLater = ({ moduleId }: TestSpecification) =>
      Number(!LONGEST.some((longest) => moduleId.endsWith(longest)));
    return (await super.sort(files)).toSorted((a, b) => isLater(a) - isLater(b));
  }
}

// Tests are hermetic, so one context serves them all: isolation costs ten times the run.
const hermetic = {
  exclude: ['**/node_modules/**', '**/*.{real,planes,guests}.test.ts'],
  isolate: false,
  pool: 'threads' as const,
  testTimeout: 20_000,
  // What a suite tells in a hook is no shorter than what a test tells.
  hookTimeout: 20_000,
  // A program that a test starts may take seconds to begin where other suites run.
  expect: { poll: { timeout: 10_000 } },
};

export default defineConfig({
  test: {
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...hermetic,
          name: 'unit',
          include: ['{api,runtime,images,hub,spoke,policies,cli,lab,scripts}/**/*.test.ts'],
        },
      },
      // Fleets of hub, spokes and nodes on a clock of their own.
      { test: { ...hermetic, name: 'stories', include: ['{e2e,bench}/**/*.test.ts'] } },
      // Of make check, which says how much it saw.
      { test: { name: 'tidy', include: ['tidy.test.ts'] } },
      {
        test: {
          name: 'real',
          include: ['{images,lab,cli,e2e,bench}/**/*.real.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'planes',
          include: ['{e2e,bench}/**/*.planes.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          maxConcurrency: 4,
          testTimeout: 120_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'guests',
          include: ['e2e/**/*.guests.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          bail: 1,
          testTimeout: 1_500_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
