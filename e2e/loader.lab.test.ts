import { LOADER_SCENARIOS } from './loader/loader-scenarios.ts';
import { RELEASE, simulateLoader } from './loader/simulated-loader.ts';
import { describeLoaders } from './loader.contract.ts';

describeLoaders('the simulated node', async () => ({
  release: RELEASE,
  outcomes: new Map(LOADER_SCENARIOS.map((scenario) => [scenario, simulateLoader(scenario)])),
}));
