import type { ModuleImageStatus } from '@kmm-fleet/api';
import { pushImage } from '@kmm-fleet/images/testing';
import { type AuditedRequest, auditRights, hubAccess } from '@kmm-fleet/policies';
import { describe, expect, it } from 'vitest';
import { auditEntry, beyond } from './images/audited.ts';
import { addImageStreams, putToolkits } from './images/image-streams.ts';
import { type ImagesWorld, isReady, MODULE, story } from './images/images-world.ts';

const KERNEL = '6.1.0-1';
const [OLDER, NEWER] = ['412.86.202302211547-0', '412.86.202303010000-0'];
const toolkit = (version: string) => `registry.test/art:${version}`;
const isMissing = ({ reason }: ModuleImageStatus) => reason === 'ToolkitMissing';

/** A cluster that is an OpenShift, with a recipe that asks for a toolkit. */
async function openshift(world: ImagesWorld) {
  await addImageStreams(world.user);
  for (const version of [OLDER, NEWER])
    await pushImage(world.registry, toolkit(version), {}, { '/version': version });
  await world.dockerfile(`${MODULE}ARG DTK_AUTO\nFROM \${DTK_AUTO}\n`);
  await putToolkits(world.user, { [OLDER]: toolkit(OLDER) });
}
const runs = (...versions: string[]) => versions.map((version) => ({ kernel: KERNEL, version }));

describe('where the cluster has image streams', () => {
  it(
    'DTK_AUTO is the tag of the system that brings the kernel, of any cluster',
    story(async (world) => {
      await openshift(world);
      world.systems.set('east', runs(OLDER));
      world.start();
      await world.want();
      await world.until(isReady);

      expect(world.toolkits()).toEqual([toolkit(OLDER)]);
    }),
  );

  it(
    'a newer tag with the same kernel builds nothing anew, and a node that leaves changes nothing that is made',
    story(async (world) => {
      await openshift(world);
      world.systems.set('east', runs(OLDER));
      world.start();
      await world.want();
      const { digest } = await world.until(isReady);

      await putToolkits(world.user, { [OLDER]: toolkit(OLDER), [NEWER]: toolkit(NEWER) });
      world.systems.set('west', runs(NEWER));
      await world.clock.advance(60_000);
      expect(await world.status()).toMatchObject({ state: 'Ready', digest });
      expect(world.toolkits()).toEqual([toolkit(OLDER)]);
    }),
  );

  it(
    'a kernel without a tag is told with what the stream has, until the tag comes',
    story(async (world) => {
      await openshift(world);
      world.systems.set('east', runs(NEWER));
      world.start();
      await world.want();
      const { message } = await world.until(isMissing);
      expect(message).toContain(
        `RHEL CoreOS ${NEWER}, and ImageStream openshift/driver-toolkit has ${OLDER} only`,
      );
      expect(message).toContain('oc adm release info --image-for=driver-toolkit');

      await putToolkits(world.user, { [OLDER]: toolkit(OLDER), [NEWER]: toolkit(NEWER) });
      await world.until(isReady);
      expect(world.toolkits()).toEqual([toolkit(NEWER)]);
    }),
  );

  it(
    'a kernel of which nobody tells the system is told so, until a cluster does',
    story(async (world) => {
      await openshift(world);
      world.start();
      await world.want();
      expect((await world.until(isMissing)).message).toContain('no node tells which RHEL CoreOS brings it');

      world.systems.set('east', runs(OLDER));
      await world.until(isReady);
    }),
  );

  it(
    'reading it needs the rights that are shipped, and all of them',
    story(async (world) => {
      const isOfStreams = ({ apiGroups }: { apiGroups: readonly string[] }) =>
        apiGroups.includes('image.openshift.io');
      const access = { ...hubAccess, cluster: hubAccess.cluster.filter(isOfStreams), own: [] };
      const log: AuditedRequest[] = [];
      await openshift(world);
      world.hub.setFault((request) => {
        const isOurs = request.headers['user-agent'] === 'images' && /image\.openshift/.test(request.path);
        if (isOurs) log.push(...auditEntry(request, access, 200));
        return undefined;
      });
      world.systems.set('east', runs(OLDER));
      world.start();
      await world.want();
      await world.until(isReady);

      expect(access.cluster.length).toBe(1);
      expect(auditRights([access], log).unused).toEqual([]);
      expect(beyond(access, log)).toEqual([]);
    }),
  );
});

describe('where it has none', () => {
  it.each([
    ['the API is not there', undefined, /matches kernel 6\.1\.0-1\. Add an entry/],
    ['it may not be read', { status: 403 }, /6\.1\.0-1; the operator may not read ImageStream/],
  ])(
    'images are made all the same, and a toolkit is asked of the catalogue alone: %s',
    (_what, fault, told) =>
      story(async (world) => {
        if (fault) await openshift(world);
        world.hub.setFault(({ path, headers }) =>
          headers['user-agent'] === 'images' && path.includes('/image.openshift.io/') ? fault : undefined,
        );
        world.systems.set('east', runs(OLDER));
        world.start();
        await world.dockerfile(`${MODULE}FROM registry.test/base:1\n`);
        await world.want();
        await world.until(isReady);

        await world.dockerfile(`${MODULE}ARG DTK_AUTO\nFROM \${DTK_AUTO}\n`);
        expect((await world.until(isMissing)).message).toMatch(told);
        expect(world.logs.filter((line) => line.includes('watch.failed'))).toEqual([]);
      })(),
  );

  it(
    'a stream that does not answer holds up no image that needs no toolkit',
    story(async (world) => {
      await openshift(world);
      world.hub.setFault(({ path, headers }) =>
        headers['user-agent'] === 'images' && path.includes('/image.openshift.io/')
          ? { status: 503 }
          : undefined,
      );
      await world.dockerfile(`${MODULE}FROM registry.test/base:1\n`);
      world.start();
      await world.want();

      await world.until(isReady, 120_000);
    }),
  );
});
