import type { ModuleImage } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { isSameImage } from './same-image.ts';

const image: ModuleImage = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ModuleImage',
  metadata: { name: 'kmod-1', generation: 1, resourceVersion: '5' },
  spec: {
    image: 'registry.test/kmod:1',
    kernelVersion: '6.1.0-1-amd64',
    module: { name: 'kmod', namespace: 'hub' },
  },
  status: { state: 'Ready', digest: `sha256:${'a'.repeat(64)}`, observedGeneration: 1, wantedBy: 1 },
};
/** As a watch brings it: parsed anew. */
const changed = (change: object): ModuleImage => ({ ...structuredClone(image), ...change });

it.each<[string, ModuleImage | undefined, boolean]>([
  ['nothing', changed({}), true],
  ['its version', changed({ metadata: { ...image.metadata, resourceVersion: '6' } }), true],
  ['how many clusters want it', changed({ status: { ...image.status, wantedBy: 3_500 } }), true],
  ['its state', changed({ status: { ...image.status, state: 'Failed' } }), false],
  ['its digest', changed({ status: { ...image.status, digest: `sha256:${'b'.repeat(64)}` } }), false],
  ['its recipe', changed({ spec: { ...image.spec, image: 'registry.test/kmod:2' } }), false],
  ['its generation', changed({ metadata: { ...image.metadata, generation: 2 } }), false],
  ['that it is gone', undefined, false],
])('a change of %s leads to the same works: %s', (_name, after, isSame) => {
  expect(isSameImage(image, after)).toBe(isSame);
  expect(isSameImage(after, image)).toBe(isSame);
});

it('an image that says nothing yet leads where none leads', () => {
  const { state: _state, digest: _digest, observedGeneration: _observed, ...silent } = image.status ?? {};

  expect(isSameImage(undefined, changed({ status: silent }))).toBe(true);
  expect(isSameImage(undefined, changed({}))).toBe(false);
});
