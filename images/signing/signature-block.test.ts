import { expect, it } from 'vitest';
import { joinModule, splitModule, stripSignature } from './signature-block.ts';

const content = Buffer.from('content');

it('takes off what was appended', () => {
  expect(splitModule(joinModule(content, Buffer.from('p')))).toEqual({
    kind: 'signed',
    content,
    pkcs7: Buffer.from('p'),
  });
});

it('strips a hundred thousand signatures, one upon another', () => {
  const one = joinModule(Buffer.alloc(0), Buffer.alloc(0));
  const pile = Buffer.concat([content, ...Array.from({ length: 100_000 }, () => one)]);

  expect(stripSignature(pile)).toEqual(content);
});

it('leaves what only looks like a signature', () => {
  const odd = joinModule(content, Buffer.from('p'));
  odd[content.length + 1] = 7;

  expect(stripSignature(odd)).toBe(odd);
});
