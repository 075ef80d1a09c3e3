/** What is missing here, which some suites need. */
export interface Lack {
  readonly why: string;
  canDoWithout(suite: string): boolean;
}

/**
 * Files of the suites that are run: those asked for by name, or all that can be. Pure.
 *
 * @returns also the names of those that nobody asked for and that are left out
 * @throws {Error} where a suite that was asked for is not there, or cannot be run, or where none can
 */
export function chooseSuites({
  files,
  wanted,
  lack,
}: {
  readonly files: readonly string[];
  readonly wanted: readonly string[];
  readonly lack: Lack | undefined;
}): { readonly run: readonly string[]; readonly left: readonly string[] } {
  const fileOf = new Map(files.map((file) => [nameOf(file), file]));
  const names = [...fileOf.keys()];
  const unknown = wanted.filter((name) => !fileOf.has(name));
  if (unknown.length > 0)
    throw new Error(`There is no suite ${unknown.join(', ')}. There are: ${names.join(', ')}.`);

  const asked = wanted.length > 0 ? wanted : names;
  const left = lack ? asked.filter((name) => !lack.canDoWithout(name)) : [];
  if (lack && left.length > 0 && (wanted.length > 0 || left.length === asked.length))
    throw new Error(`${lack.why}: ${left.join(', ')} cannot be run.${hint(names, lack)}`);
  const run = asked.filter((name) => !left.includes(name));
  return { run: run.flatMap((name) => fileOf.get(name) ?? []), left };
}

const nameOf = (file: string) => file.replace(/^.*\//, '').replace(/\..*$/, '');

function hint(names: readonly string[], { canDoWithout }: Lack): string {
  const possible = names.filter(canDoWithout);
  return possible.length > 0 ? ` Can be run: ${possible.join(', ')}.` : '';
}
