import { expect, it } from 'vitest';
import { streamView } from './toolkit-stream.ts';

const from = (name: string, kind = 'DockerImage') => ({ kind, name });

it('reads the tags that are called after a version and name an image', () => {
  const tags = [
    { name: 'latest', from: from('quay.test/dtk@sha256:1') },
    { name: '412.86.202302211547-0', from: from('quay.test/dtk@sha256:2') },
    { name: '9.6.20250523-0', from: from('quay.test/dtk@sha256:3') },
    { name: '412.86.1-0', from: from('latest', 'ImageStreamTag') },
    { name: '412.86.2-0' },
    { from: from('quay.test/dtk@sha256:4') },
  ];
  const object = {
    apiVersion: 'image.openshift.io/v1',
    kind: 'ImageStream',
    metadata: { name: 'driver-toolkit' },
  };

  expect(streamView({ ...object, spec: { tags } }).tags).toEqual([
    { name: '412.86.202302211547-0', image: 'quay.test/dtk@sha256:2' },
    { name: '9.6.20250523-0', image: 'quay.test/dtk@sha256:3' },
  ]);
  expect(streamView(object).tags).toEqual([]);
});
