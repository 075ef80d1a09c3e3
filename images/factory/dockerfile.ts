import { parseImageReference, substitute } from '@kmm-fleet/api';

/** What a Dockerfile says about where it starts from. */
export interface DockerfileFacts {
  /** Images of FROM and COPY --from that are no stages of its own, with arguments filled in; sorted. */
  readonly bases: readonly string[];
  /** Whether DTK_AUTO stands anywhere in it: then the hub fills it in, as KMM does. */
  readonly usesToolkit: boolean;
}

/** Reads FROM, ARG and COPY --from; everything else of a Dockerfile is the builder's business. */
export function readDockerfileFacts(
  text: string,
  buildArgs: Readonly<Record<string, string>>,
): DockerfileFacts {
  const variables: Record<string, string> = {};
  const stages = new Set<string>(['scratch']);
  const bases = new Set<string>();
  let started = false;
  for (const line of logicalLines(text)) {
    const [instruction = '', ...words] = line.split(/\s+/);
    const name = instruction.toUpperCase();
    if (name === 'ARG' && !started) Object.assign(variables, readArgument(words, buildArgs));
    if (name === 'FROM') {
      started = true;
      const plain = words.filter((word) => !word.startsWith('--'));
      addBase(bases, stages, substitute(unquote(plain[0] ?? ''), variables));
      if (plain[1]?.toUpperCase() === 'AS' && plain[2]) stages.add(plain[2].toLowerCase());
    }
    if (name === 'COPY') {
      const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
      if (from && !/^\d+$/.test(from)) addBase(bases, stages, substitute(from, variables));
    }
  }
  return { bases: [...bases].sort(), usesToolkit: text.includes('DTK_AUTO') };
}

function addBase(bases: Set<string>, stages: ReadonlySet<string>, reference: string): void {
  if (!stages.has(reference.toLowerCase()) && parseImageReference(reference).ok) bases.add(reference);
}

/** ARG NAME or ARG NAME=default; a build argument wins. */
function readArgument(
  words: readonly string[],
  buildArgs: Readonly<Record<string, string>>,
): Record<string, string> {
  const pairs = words.map((word) => {
    const [name = '', ...rest] = word.split('=');
    return [
      name,
      (Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined) ?? unquote(rest.join('=')),
    ] as const;
  });
  return Object.fromEntries(pairs);
}

function logicalLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\r?\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

const unquote = (word: string) => word.replace(/^(["'])(.*)\1$/, '$2');
