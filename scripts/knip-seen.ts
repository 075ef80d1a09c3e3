// A reporter of knip: says how many files it looked at, which none of its own reporters does.
import type { ReporterOptions } from 'knip';

export default ({ counters }: ReporterOptions): void => {
  console.log(`Looked at ${counters.processed} files`);
};
