import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, planToolkit, type Toolkits } from './plan-toolkit.ts';

const KERNEL = '4.18.0-372.43.1.el8_6.x86_64';
const toldOf = (toolkits: Toolkits, kernel: string) => {
  const toolkit = planToolkit(toolkits, kernel);
  return toolkit.ok ? toolkit.value : `${toolkit.findings[0]?.reason} ${toolkit.findings[0]?.path}`;
};

describe('the toolkit of a kernel in the catalogue', () => {
  it.each<[string, Record<string, string> | undefined, string]>([
    ['is the first match in key order', { b: 'x86 r/b', a: '^4 r/a' }, 'r/a'],
    ['passes over what does not match', { a: '^5 r/a', b: '^4 r/b' }, 'r/b'],
    ['has the kernel filled in', { a: '. r/dtk:${KERNEL_FULL_VERSION}' }, `r/dtk:${KERNEL}`],
    ['is missing where nothing matches', { a: '^5 r/a' }, 'ToolkitMissing '],
    ['is missing where there is no catalogue', undefined, 'ToolkitMissing '],
    ['is refused without an image', { a: '^4' }, 'ToolkitInvalid data.a'],
    ['is refused with a word too many', { a: '^4 r/a b' }, 'ToolkitInvalid data.a'],
    ['is refused with a bad regexp', { a: '([ r/a' }, 'ToolkitInvalid data.a'],
  ])('%s', (_rule, catalogue, expected) => {
    expect(toldOf({ catalogue }, KERNEL)).toBe(expected);
  });
});

const tag = (name: string) => ({ name, image: `quay.test/art@${name}` });
const on = (version: string, kernel = KERNEL) => ({ kernel, version });

describe('the toolkit of a kernel in the stream', () => {
  const tags = ['412.86.202303-0', '412.86.202302-0', '413.92.202306-0'].map(tag);

  it.each<[string, Toolkits, string]>([
    [
      'is the tag of the system that brings it',
      { stream: { tags, systems: [on('412.86.202303-0'), on('413.92.202306-0', '5.14.0')] } },
      'quay.test/art@412.86.202303-0',
    ],
    [
      'is the oldest of several: a newer one changes no image',
      { stream: { tags, systems: [on('412.86.202303-0'), on('412.86.202302-0')] } },
      'quay.test/art@412.86.202302-0',
    ],
    [
      'is one that is there, where the stream lacks the others',
      { stream: { tags, systems: [on('411.86.202201-0'), on('412.86.202303-0')] } },
      'quay.test/art@412.86.202303-0',
    ],
    [
      'gives way to the catalogue, where somebody has written what they want',
      { catalogue: { a: '^4 r/a' }, stream: { tags, systems: [on('412.86.202303-0')] } },
      'r/a',
    ],
    [
      'is taken where the catalogue speaks of other kernels',
      { catalogue: { a: '^6 r/a' }, stream: { tags, systems: [on('412.86.202303-0')] } },
      'quay.test/art@412.86.202303-0',
    ],
    [
      'does not hide an entry of the catalogue that cannot be read',
      { catalogue: { a: '^4' }, stream: { tags, systems: [on('412.86.202303-0')] } },
      'ToolkitInvalid data.a',
    ],
    ['is missing where nobody tells a system', { stream: { tags, systems: [] } }, 'ToolkitMissing '],
  ])('%s', (_rule, toolkits, expected) => {
    expect(toldOf(toolkits, KERNEL)).toBe(expected);
  });

  it.each<[string, Toolkits['stream'], RegExp, RegExp]>([
    [
      'nobody has streams',
      undefined,
      /matches kernel 4\.18\.0-372\.43\.1\.el8_6\.x86_64\.$/,
      /^Add an entry/,
    ],
    [
      'it may not be read',
      'forbidden',
      /the operator may not read ImageStream openshift\/driver-toolkit\.$/,
      /grant it: apply what kmm install prints/,
    ],
    [
      'no node tells its system',
      { tags, systems: [on('412.86.202303-0', '5.14.0')] },
      /no node tells which RHEL CoreOS brings it, so ImageStream openshift\/driver-toolkit is of no help\.$/,
      /or run a spoke of this version/,
    ],
    [
      'the stream lacks the tag',
      { tags: [tag('413.92.202306-0')], systems: [on('412.86.202303-0')] },
      /comes with RHEL CoreOS 412\.86\.202303-0, and ImageStream openshift\/driver-toolkit has 413\.92\.202306-0 only\.$/,
      /oc adm release info --image-for=driver-toolkit/,
    ],
    [
      'the stream has nothing',
      { tags: [], systems: [on('412.86.202303-0')] },
      /driver-toolkit has no tag\.$/,
      /oc adm release info/,
    ],
    [
      'the stream has many others',
      { tags: [...Array(9).keys()].map((day) => tag(`413.92.${day}-0`)), systems: [on('412.86.202303-0')] },
      /has 413\.92\.4-0 or .* or 413\.92\.8-0 or 4 older ones only\.$/,
      /oc adm release info/,
    ],
  ])('is missing with a reason and the next step: %s', (_what, stream, message, next) => {
    const toolkit = planToolkit({ stream }, KERNEL);

    expect(toolkit).toMatchObject({
      ok: false,
      findings: [{ message: expect.stringMatching(message), nextStep: expect.stringMatching(next) }],
    });
  });
});

describe('laws of the stream', () => {
  const version = fc.tuple(fc.constantFrom(411, 412, 413), fc.nat(12), fc.nat(3));
  const name = version.map(([minor, day, again]) => `${minor}.86.${day}-${again}`);
  const stream = fc.record({
    tags: fc.uniqueArray(name.map(tag), { selector: (one) => one.name, maxLength: 8 }),
    systems: fc.array(fc.record({ kernel: fc.constantFrom(KERNEL, '5.14.0'), version: name }), {
      maxLength: 8,
    }),
  });

  it('neither the order of tags nor that of nodes matters', () => {
    fc.assert(
      fc.property(stream, ({ tags, systems }) => {
        const turned = { tags: tags.toReversed(), systems: systems.toReversed() };
        expect(toldOf({ stream: turned }, KERNEL)).toBe(toldOf({ stream: { tags, systems } }, KERNEL));
      }),
    );
  });

  it('a newer tag, and nodes on it, change nothing for a kernel that is served', () => {
    fc.assert(
      fc.property(stream, ({ tags, systems }) => {
        const before = planToolkit({ stream: { tags, systems } }, KERNEL);
        const upgraded = { tags: [...tags, tag('414.92.1-0')], systems: [...systems, on('414.92.1-0')] };
        const after = toldOf({ stream: upgraded }, KERNEL);
        expect(after).toBe(before.ok ? before.value : 'quay.test/art@414.92.1-0');
      }),
    );
  });

  it('versions are ordered by their numbers, and only equal ones are equal', () => {
    expect(['412.86.10-0', '412.86.9-1', '412.86.9-0', '9.6.1-0'].sort(compareVersions)).toEqual([
      '9.6.1-0',
      '412.86.9-0',
      '412.86.9-1',
      '412.86.10-0',
    ]);
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(compareVersions(a, b) === 0).toBe(a === b);
        expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).toBe(0);
      }),
    );
  });
});
