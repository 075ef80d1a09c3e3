import { AppError, createMetrics } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { createImageMetrics } from './image-metrics.ts';

function setUp() {
  const metrics = createMetrics();
  let nowMs = 0;
  const images = createImageMetrics(metrics, () => nowMs);
  const wait = (ms: number) => {
    nowMs += ms;
  };
  const series = async (name: string) =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith(name));
  return { images, wait, series };
}

it('measures steps by outcome, and none that was interrupted', async () => {
  const { images, wait, series } = setUp();
  await images.timed('build', async () => wait(4_000));
  const failed = images.timed('sign', async () => {
    wait(1_000);
    throw new AppError('SIGN_FAILED', 'no');
  });
  await expect(failed).rejects.toThrow('no');
  await expect(images.timed('build', () => Promise.reject(new Error('stop')))).rejects.toThrow('stop');

  expect(await series('kmm_image_step_duration_seconds_sum')).toEqual([
    'kmm_image_step_duration_seconds_sum{step="build",outcome="success"} 4',
    'kmm_image_step_duration_seconds_sum{step="sign",outcome="failure"} 1',
  ]);
});

it('tells when a certificate expires, until no image is signed with it', async () => {
  const { images, series } = setUp();
  const name = 'kmm_signing_certificate_not_after_seconds{';
  const [old, renewed] = [
    { secret: 'ns/old', notAfterMs: 5_000 },
    { secret: 'ns/new', notAfterMs: 9_000 },
  ];
  images.certificate('a', old);
  images.certificate('b', old);
  images.certificate('a', renewed);
  expect(await series(name)).toEqual([`${name}secret="ns/old"} 5`, `${name}secret="ns/new"} 9`]);

  images.certificate('b', undefined);
  expect(await series(name)).toEqual([`${name}secret="ns/new"} 9`]);
  images.certificate('a', undefined);
  expect(await series(name)).toEqual([]);
});
