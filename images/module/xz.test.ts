import { expect, it } from 'vitest';
import { unpackXz } from './xz.ts';

it('says what to install where there is no xz', async () => {
  const options = { bytesMax: 10, program: 'no-such-xz' };

  await expect(unpackXz(new Uint8Array(8), options)).rejects.toMatchObject({
    code: 'PROGRAM_MISSING',
    message: expect.stringMatching(/^no-such-xz cannot be started .* \.ko\.xz files need it\.$/),
  });
});
