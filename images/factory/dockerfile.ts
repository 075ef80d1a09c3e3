import {
  bad,
  type Checked,
  type Finding,
  found,
  good,
  parseImageReference,
  substitute,
  withDigest,
} from '@kmm-fleet/api';
import { plainText } from '../registry/plain-text.ts';

/** What a Dockerfile says about where it starts from. Everything else in it is the builder's business. */
export interface DockerfileFacts {
  /** Images of FROM, COPY --from and RUN --mount=from that are no stages of its own, arguments filled in; sorted. */
  readonly bases: readonly string[];
  /** Where they stand in the text. */
  readonly mentions: readonly Mention[];
}

interface Mention {
  readonly reference: string;
  readonly start: number;
  readonly end: number;
}

interface Word {
  readonly text: string;
  readonly start: number;
}

/** Reads the base images, or says what cannot be built: no FROM, a line that is none, a reference that is none. */
export function readDockerfileFacts(
  text: string,
  buildArgs: Readonly<Record<string, string>>,
): Checked<DockerfileFacts> {
  const variables: Record<string, string> = {};
  const stages = new Set<string>(['scratch']);
  const mentions: Mention[] = [];
  const add = ({ text: word, start }: Word) => {
    const reference = substitute(unquote(word), variables);
    if (!stages.has(reference.toLowerCase())) mentions.push({ reference, start, end: start + word.length });
  };
  let started = false;
  const wrong = lineThatIsNone(text);
  if (wrong) return bad(wrong);
  for (const [keyword, ...words] of instructions(text)) {
    const name = keyword?.text.toUpperCase();
    if (name === 'ARG' && !started) declare(variables, words, buildArgs);
    if (name === 'FROM') {
      started = true;
      const [image, as, stage] = words.filter((word) => !word.text.startsWith('--'));
      if (image) add(image);
      if (as?.text.toUpperCase() === 'AS' && stage) stages.add(stage.text.toLowerCase());
    }
    for (const word of copiedFrom(name, words)) if (!/^\d+$/.test(word.text)) add(word);
  }
  const base = mentions.find(({ reference }) => !parseImageReference(reference).ok);
  if (base) return bad(baseInvalid(text.slice(base.start, base.end), base.reference));
  return good({ bases: [...new Set(mentions.map(({ reference }) => reference))].sort(), mentions });
}

/** The same Dockerfile with every base by digest: what is built from is what the inputs hash says. */
export function pinDockerfile(
  text: string,
  { mentions }: DockerfileFacts,
  bases: readonly { readonly reference: string; readonly digest: string }[],
): string {
  const digests = new Map(bases.map(({ reference, digest }) => [reference, digest]));
  let pinned = '';
  let at = 0;
  for (const { reference, start, end } of mentions) {
    const parsed = parseImageReference(reference);
    const digest = digests.get(reference);
    if (!parsed.ok || !digest) continue;
    pinned += text.slice(at, start) + withDigest(parsed.value, digest);
    at = end;
  }
  return pinned + text.slice(at);
}

const INSTRUCTIONS = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

/** What no builder could build, told before one tries. A text that builders may read in other ways is left to them. */
function lineThatIsNone(text: string): Finding | undefined {
  if (text.includes('<<') || /^\s*#\s*(escape|syntax)\s*=/im.test(text)) return undefined;
  const keywords = [...instructions(text)].flatMap(([keyword]) => (keyword ? [keyword] : []));
  const nameOf = ({ text: word }: Word) => word.toUpperCase();
  const odd = keywords.find((keyword) => !INSTRUCTIONS.has(nameOf(keyword)));
  if (odd) return lineInvalid(text, odd, `"${plainText(odd.text, 40)}" is no instruction`);
  const first = keywords.find((keyword) => nameOf(keyword) !== 'ARG');
  if (!first) return found('DockerfileInvalid', FIELD, 'The Dockerfile has no FROM.', START_FROM);
  return nameOf(first) === 'FROM'
    ? undefined
    : lineInvalid(text, first, `${nameOf(first)} stands before any FROM`);
}

const FIELD = 'data.dockerfile';
const START_FROM = 'Begin with FROM and a base image, or with FROM scratch.';

function lineInvalid(text: string, { start }: Word, problem: string): Finding {
  const line = text.slice(0, start).split('\n').length;
  const message = `Line ${line} of the Dockerfile: ${problem}.`;
  return found(
    'DockerfileInvalid',
    FIELD,
    message,
    'Correct it; a line that goes on needs a \\ at the end of the one before.',
  );
}

/** ARG NAME or ARG NAME=default; a build argument wins, and a default may use the arguments before it. */
function declare(
  variables: Record<string, string>,
  words: readonly Word[],
  buildArgs: Readonly<Record<string, string>>,
): void {
  for (const { text } of words) {
    const [name = '', ...rest] = text.split('=');
    const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
    variables[name] = given ?? substitute(unquote(rest.join('=')), variables);
  }
}

/** Values of COPY --from=X and RUN --mount=…,from=X. */
function copiedFrom(name: string | undefined, words: readonly Word[]): Word[] {
  const flag =
    name === 'COPY' ? /^(--from=)(.+)$/ : name === 'RUN' ? /^(--mount=(?:.*,)?from=)([^,]+)/ : /^$/;
  return words.flatMap(({ text, start }) => {
    const [, before = '', value] = flag.exec(text) ?? [];
    return value ? [{ text: value, start: start + before.length }] : [];
  });
}

/** The words of each instruction with their places: continued lines are one, comments and here-documents are none. */
function* instructions(text: string): Generator<Word[]> {
  let words: Word[] = [];
  let heredocs: string[] = [];
  for (const { line, start } of lines(text)) {
    if (heredocs[0] !== undefined) {
      if (line.trim() === heredocs[0]) heredocs.shift();
      continue;
    }
    if (/^\s*(#|$)/.test(line)) continue;
    const [content = '', continued] = line.split(/(\\\s*)$/);
    for (const { 0: word, index } of content.matchAll(/\S+/g))
      words.push({ text: word, start: start + index });
    if (continued) continue;
    heredocs = heredocsOf(words);
    yield words;
    words = [];
  }
  if (words.length > 0) yield words;
}

function heredocsOf([keyword, ...words]: readonly Word[]): string[] {
  if (!/^(RUN|COPY|ADD)$/i.test(keyword?.text ?? '')) return [];
  return words.flatMap(({ text }) => /^\d*<<-?(["']?)(\w+)\1$/.exec(text)?.[2] ?? []);
}

function* lines(text: string): Generator<{ line: string; start: number }> {
  let start = 0;
  for (const line of text.split('\n')) {
    yield { line, start };
    start += line.length + 1;
  }
}

const unquote = (word: string) => word.replace(/^(["'])(.*)\1$/, '$2');

function baseInvalid(written: string, reference: string) {
  const message =
    written === reference
      ? `The Dockerfile starts from "${written}", which is no image reference.`
      : `The Dockerfile starts from "${written}", which becomes "${reference}": no image reference.`;
  const next = 'Write registry/repository:tag, and give each ARG in it a default or a buildArgs entry.';
  return found('BaseImageInvalid', FIELD, message, next);
}
