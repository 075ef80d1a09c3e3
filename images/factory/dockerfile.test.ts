import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pinDockerfile, readDockerfileFacts } from './dockerfile.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

function basesOf(text: string, args: Record<string, string> = {}): readonly string[] {
  const facts = readDockerfileFacts(text, args);
  return facts.ok ? facts.value.bases : [`${facts.findings[0]?.reason}: ${facts.findings[0]?.message}`];
}

function pinned(text: string, args: Record<string, string> = {}): string {
  const facts = readDockerfileFacts(text, args);
  if (!facts.ok) throw new Error(facts.findings[0]?.message);
  const bases = facts.value.bases.map((reference) => ({ reference, digest: DIGEST }));
  return pinDockerfile(text, facts.value, bases);
}

describe('the bases of a Dockerfile', () => {
  it.each<[string, string, Record<string, string>, readonly string[]]>([
    ['are what FROM names', 'FROM r.example/a:1\n', {}, ['r.example/a:1']],
    ['are sorted and said once', 'FROM b:1\nFROM a:1\nFROM b:1', {}, ['a:1', 'b:1']],
    ['leave out scratch and earlier stages', 'FROM a:1 AS Build\nFROM build\nFROM scratch', {}, ['a:1']],
    ['leave out flags', 'FROM --platform=linux/amd64 a:1', {}, ['a:1']],
    [
      'take COPY --from of other images',
      'FROM scratch\nCOPY --from=a:1 /x /x\nCOPY --from=0 /y /y',
      {},
      ['a:1'],
    ],
    ['take RUN --mount=from', 'FROM scratch\nRUN --mount=type=bind,from=a:1,target=/m make', {}, ['a:1']],
    ['fill in arguments', 'ARG DTK_AUTO\nFROM ${DTK_AUTO}', { DTK_AUTO: 'dtk:1' }, ['dtk:1']],
    ['fill in defaults', 'ARG V=12\nFROM debian:${V}', {}, ['debian:12']],
    ['let a build argument win', 'ARG V=12\nFROM debian:${V}', { V: '13' }, ['debian:13']],
    ['let defaults use arguments', 'ARG V=12\nARG B="debian:$V"\nFROM $B', {}, ['debian:12']],
    ['know defaults in place', 'FROM ${B:-debian:12}', {}, ['debian:12']],
    ['do not take arguments of a stage', 'ARG V=1\nFROM a:$V\nARG V=2\nFROM b:$V', {}, ['a:1', 'b:1']],
    ['read continued lines', 'FROM \\\n  # why\n  a:1 \\\n  AS x\nFROM x', {}, ['a:1']],
    ['ignore comments', '# FROM b:1\nFROM a:1', {}, ['a:1']],
    ['ignore here-documents', 'FROM a:1\nRUN <<EOF\nFROM b:1\nEOF\nCOPY --from=c:1 x y', {}, ['a:1', 'c:1']],
    ['survive carriage returns', 'FROM a:1\r\nFROM b:1\r\n', {}, ['a:1', 'b:1']],
    ['are no made-up names', 'ARG constructor\nFROM a:1$toString', {}, ['a:1']],
  ])('%s', (_rule, text, args, bases) => {
    expect(basesOf(text, args)).toEqual(bases);
  });

  it('are refused by name when an argument is missing', () => {
    expect(basesOf('FROM ${BASE}')).toEqual([
      'BaseImageInvalid: The Dockerfile starts from "${BASE}", which becomes "": no image reference.',
    ]);
  });
});

describe('a pinned Dockerfile', () => {
  it('names every base by digest and is otherwise the same text', () => {
    const text =
      'ARG V=12\nFROM --platform=a:1 r.example:5000/a:$V AS x # a\nRUN echo r.example:5000/a:12\nCOPY --from="b/c" / /';

    expect(pinned(text)).toBe(
      `ARG V=12\nFROM --platform=a:1 r.example:5000/a@${DIGEST} AS x # a\nRUN echo r.example:5000/a:12\n` +
        `COPY --from=docker.io/b/c@${DIGEST} / /`,
    );
  });

  it('has bases that are all digests, whatever it looked like before', () => {
    const word = fc.constantFrom(
      'FROM',
      'a:1',
      'AS',
      'x',
      'COPY',
      '--from=b:2',
      'RUN',
      '\\\n',
      '\n',
      '#',
      'ARG',
      '$V',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const text = words.join(' ');
        if (!readDockerfileFacts(text, { V: 'c:3' }).ok) return;
        const bases = basesOf(pinned(text, { V: 'c:3' }), { V: 'c:3' });

        expect(bases.filter((base) => !base.endsWith(DIGEST))).toEqual([]);
      }),
    );
  });

  it('is untouched when nothing is known', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const facts = readDockerfileFacts(text, {});
        if (facts.ok) expect(pinDockerfile(text, facts.value, [])).toBe(text);
      }),
    );
  });
});
