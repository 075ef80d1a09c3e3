import { readModule } from '@kmm-fleet/images';
import { allOver } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playOnGuests } from './kernel/guest-loader.ts';
import { type KernelFleet, SPOKE, startKernelFleet } from './kernel/kernel-fleet.ts';
import { cutOff, tellInstalled } from './kernel/machine-scenes.ts';
import { withTroubles } from './kernel/observe.ts';
import { tellRefusals } from './kernel/refusal-scenes.ts';
import { KERNEL_SCENES } from './kernel/scenes.ts';
import { tellStandAlone } from './kernel/standalone-scenes.ts';
import { buildTestModules, type TestModules } from './kernel/test-modules.ts';
import { SHAPES } from './loader/simulated-loader.ts';
import { describeLoaders } from './loader.contract.ts';

describe('on real kernels', () => {
  let fleet: KernelFleet;
  let modules: TestModules;
  beforeAll(async () => {
    fleet = await startKernelFleet(() => {}, SPOKE);
    await fleet.operate('spoke');
  });
  afterAll(() => fleet?.stop());
  const last = KERNEL_SCENES.slice(-1);
  it.each(KERNEL_SCENES.slice(0, -1))('$title', ({ run }) => withTroubles(fleet, run(fleet)));

  it('A spoke in a pod, as people install it, publishes the kernel of the nodes; a machine that is cut off meanwhile is not counted until it is back, and loses and reloads nothing', async () => {
    const tell = async () => {
      await tellInstalled(fleet);
      // Of the modules below: a cluster takes its time before it doubts a node.
      modules = await buildTestModules(fleet.bench, fleet.kernels.edge);
    };
    await withTroubles(fleet, allOver([cutOff(fleet), tell()]));
  });

  it.each(last)('$title, by that spoke', ({ run }) => withTroubles(fleet, run(fleet)));

  it('A kubelet that ends is started again by the init of its machine', async () => {
    const { code } = await fleet.plain.run(
      'old=$(pidof kubelet); kill $old; until new=$(pidof kubelet) && [ $new != $old ]; do sleep 0.2; done',
    );
    expect(code).toBe(0);
  });

  it('What the simulated node loads says the same of itself as what was compiled', () => {
    for (const [name, shape] of Object.entries(SHAPES)) {
      const { parameters, depends, softdeps, firmware, exportedSymbols } = readModule(modules.file(name));
      const { exports, needs: _, ...told } = shape;
      expect({ name, parameters, depends, softdeps, firmware, exportedSymbols }).toEqual({
        ...{ name, parameters: [], depends: [], softdeps: [], firmware: [] },
        ...told,
        exportedSymbols: exports ?? [],
      });
    }
  });

  // Both run the edge kernel by now.
  describeLoaders('real kernels', () =>
    playOnGuests({
      modules,
      release: fleet.kernels.edge,
      machines: { plain: fleet.plain, secure: fleet.secure },
      trusted: fleet.trusted,
      directory: fleet.directory,
    }),
  );

  it('What a kernel refuses is told on the hub, each with the reason; an order of loading is kept both ways; a module whose hook is cut off is not told as unloaded', async () => {
    await fleet.operate('spoke');
    await withTroubles(fleet, tellRefusals(fleet, modules));
  });

  it('Without a hub the same operator keeps what the guide says of Modules, builds, signing and firmware', () =>
    withTroubles(fleet, tellStandAlone(fleet, modules)));
});
