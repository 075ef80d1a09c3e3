import { expect, it } from 'vitest';
import { chooseSuites, type Lack } from './choose-suites.ts';

const files = ['e2e/faults.planes.test.ts', 'e2e/gather.planes.test.ts', 'e2e/story.planes.test.ts'];
const lack: Lack = {
  why: 'KUBEBUILDER_ASSETS has no kube-scheduler',
  canDoWithout: (suite) => suite === 'gather',
};
const chosen = (wanted: readonly string[], missing?: Lack) => chooseSuites({ files, wanted, lack: missing });

it('runs all suites, or those asked for by name, where nothing is missing', () => {
  expect(chosen([])).toEqual({ run: files, left: [] });
  expect(chosen(['story', 'gather'])).toEqual({ run: [files[2], files[1]], left: [] });
});

it('leaves out what cannot be run where nothing was asked for by name, and names it', () => {
  expect(chosen([], lack)).toEqual({ run: [files[1]], left: ['faults', 'story'] });
});

it('says of nothing that was not asked for that it is left out', () => {
  expect(chosen(['gather'], lack)).toEqual({ run: [files[1]], left: [] });
});

it.each<[string, readonly string[], Lack | undefined, string]>([
  [
    'a suite cannot be run that was asked for',
    ['story', 'gather', 'faults'],
    lack,
    'KUBEBUILDER_ASSETS has no kube-scheduler: story, faults cannot be run. Can be run: gather.',
  ],
  [
    'none can be run',
    [],
    { why: 'KMM_PLANES is kind', canDoWithout: () => false },
    'KMM_PLANES is kind: faults, gather, story cannot be run.',
  ],
  [
    'there is no such suite',
    ['gather', 'stroy'],
    undefined,
    'There is no suite stroy. There are: faults, gather, story.',
  ],
])('refuses where %s', (_, wanted, missing, message) => {
  expect(() => chosen(wanted, missing)).toThrow(new Error(message));
});
