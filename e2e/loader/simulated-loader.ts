import { type ModuleShape, makeModule, testPair } from '@kmm-fleet/images/testing';
import { makeLoaderContainer } from '@kmm-fleet/lab/testing';
import { outcomeOf } from './outcome.ts';
import {
  type LoaderOutcome,
  type LoaderScenario,
  modulePath,
  otherFiles,
  stepCommand,
  type TestModule,
} from './scenario.ts';
import { treatModule } from './treat-module.ts';

/** Of a kernel that Debian may have had. */
export const RELEASE = '6.1.0-50-cloud-amd64';

/** What ./modules are to a kernel, without their code. */
export const SHAPES: Readonly<Record<TestModule, Omit<ModuleShape, 'name' | 'kernel'>>> = {
  kmm_e2e_base: { parameters: ['site'], exports: ['kmm_e2e_scale'] },
  kmm_e2e_user: { parameters: ['site'], depends: ['kmm_e2e_base'], needs: ['kmm_e2e_scale'] },
  kmm_e2e_one: {},
  kmm_e2e_two: {},
  kmm_e2e_soft: { softdeps: ['pre: kmm_e2e_one post: kmm_e2e_two'] },
  kmm_e2e_fw: { parameters: ['fw'], firmware: ['kmm-e2e.bin'] },
};
const SIGNERS = { trusted: testPair('rsa'), foreign: testPair('stranger') };
const LOG = '/dev/termination-log';

/** Lets a simulated node do what a scenario says. */
export function simulateLoader(scenario: LoaderScenario): LoaderOutcome[] {
  const secureBoot = scenario.node === 'secure';
  const trusted = secureBoot ? [SIGNERS.trusted.certificate] : [];
  const container = makeLoaderContainer(filesOf(scenario), {
    release: RELEASE,
    secureBoot,
    trusted,
    inTree: ['dummy'],
  });
  let seen = 0;
  return scenario.steps.map((step) => {
    if (step.device) container.kernel.use('kmm_e2e_user', step.device === 'opened' ? 1 : -1);
    const command = stepCommand(step, scenario, RELEASE);
    const { code, stdout } = command === undefined ? { code: 0, stdout: '' } : container.sh(command);
    const log = container.kernel.dmesg().slice(seen);
    seen += log.length;
    const words = container.sh(`cat ${LOG} 2>/dev/null`).stdout;
    return outcomeOf({ code, stdout, words, modules: container.sh('cat /proc/modules').stdout, log });
  });
}

function filesOf(scenario: LoaderScenario): Record<string, string | Uint8Array> {
  const names = Object.keys(scenario.modules) as TestModule[];
  const files = names.map((name) => {
    const shape = { ...SHAPES[name], name, salt: 'does what its name says' };
    const plain = makeModule({ ...shape, kernel: RELEASE });
    const makeOld = () => makeModule({ ...shape, kernel: '5.10.0-1-cloud-amd64' });
    const treated = treatModule(plain, scenario.modules[name] ?? 'signed', SIGNERS, makeOld);
    return [modulePath(scenario, name, RELEASE), treated] as const;
  });
  return { ...Object.fromEntries(files), ...otherFiles(scenario), ...dependencyFile(scenario, names) };
}

/** What depmod would write. */
function dependencyFile(scenario: LoaderScenario, names: readonly TestModule[]): Record<string, string> {
  if (scenario.isWithoutDepmod) return {};
  const file = (name: string) => modulePath(scenario, name, RELEASE).split('/').at(-1);
  const lines = names.map((name) => {
    const needed = (SHAPES[name].depends ?? []).filter((other) => names.includes(other as TestModule));
    return `${file(name)}:${needed.map((other) => ` ${file(other)}`).join('')}\n`;
  });
  return { [modulePath(scenario, 'x', RELEASE).replace('x.ko', 'modules.dep')]: lines.join('') };
}
