import { Option } from 'commander';

/** How results are shown: for people, or as JSON for programs. */
export interface OutputOptions {
  readonly output: 'text' | 'json';
}

/** `-o`, the same in every command. */
export const outputOption = () =>
  new Option('-o, --output <format>', 'how results are shown').choices(['text', 'json']).default('text');
