// The process that is the lab: API servers, their neighbours and nodes; hub and spokes are its children.
// Started by `kmm lab up` with the lab's folder and the kind of its control planes as arguments; ends on SIGTERM and takes everything along.
import { randomBytes, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRegistryTransport } from '@kmm-fleet/images';
import {
  findLabKernels,
  installObjects,
  makeBaseImages,
  makeServerCertificates,
  makeSigningPair,
  type Supervised,
  startRegistry,
  writeKubeconfig,
} from '@kmm-fleet/lab';
import {
  aborted,
  systemClock as clock,
  createLog,
  systemRandom as random,
  runProcess,
} from '@kmm-fleet/runtime';
import { type ControlPlaneKind, openLabFleet } from './control-planes.ts';
import { labClusters } from './lab-plan.ts';
import { labPaths, writeLabState } from './lab-state.ts';
import { demoFolder, manifestValues, spokeObjects, toolkits, writeManifests } from './manifests.ts';
import { supervise } from './supervise.ts';
import { untilClaimed } from './until-claimed.ts';

const paths = labPaths(process.argv[2]);
const kind: ControlPlaneKind = process.argv[3] === 'real' ? 'real' : 'lab';
for (const folder of [paths.directory, paths.logs, paths.path('tls'), paths.path('keys')])
  mkdirSync(folder, { recursive: true });
const log = createLog('kmm-lab');
const step = (message: string) => log.info('lab.progress', { message });

await runProcess(log, async (signal) => {
  step('making certificates and finding kernels');
  const certificates = await makeServerCertificates(paths.path('tls'));
  const kernels = await findLabKernels();
  const bases = await makeBaseImages(kernels, certificates, demoFolder('source'), step);
  step('starting the registry');
  cpSync(bases.storage, paths.path('registry'), { recursive: true });
  const login = { username: 'kmm', password: randomBytes(12).toString('hex') };
  const registry = await startRegistry({
    directory: paths.path('tls'),
    storage: paths.path('registry'),
    certificate: certificates.server,
    ...login,
  });
  const pair = await makeSigningPair(paths.path('keys'), 'my-signing-key');
  const ca = readFileSync(certificates.ca, 'utf8');
  step('starting API servers and nodes');
  const fleet = await openLabFleet(kind, {
    clock,
    random,
    log,
    registryTransport: createRegistryTransport(ca),
    clusters: labClusters(kernels, [new X509Certificate(readFileSync(pair.cert))]),
    certificates,
    directory: paths.path('planes'),
    progress: step,
  });
  const { accesses } = fleet;
  const neighbours = fleet.run(signal);
  writeKubeconfig(paths.kubeconfig, certificates.ca, accesses);
  for (const access of accesses) {
    writeKubeconfig(paths.path(`${access.name}.kubeconfig`), certificates.ca, [access]);
    const operator = { ...access, token: access.operatorToken };
    writeKubeconfig(paths.path(`${access.name}-operator.kubeconfig`), certificates.ca, [operator]);
  }

  const values = manifestValues({
    registry,
    runtime: bases.runtime,
    key: readFileSync(pair.key),
    certificate: readFileSync(pair.cert),
  });
  writeManifests(paths.manifests, values);
  const dockerConfig = Buffer.from(values['DOCKER_CONFIG_BASE64'] ?? '', 'base64');
  writeFileSync(paths.path('auth.json'), dockerConfig, { mode: 0o600 });
  await installObjects(fleet.client('hub'), [toolkits(`${registry.address}/${bases.toolkit}`)], clock);
  for (const { name } of accesses)
    if (name !== 'hub') await installObjects(fleet.client(name), spokeObjects(values), clock);

  step('starting hub and spokes');
  const common = {
    KMM_REGISTRY_CA_FILE: certificates.ca,
    // A lease that a killed hub held lasts 15 s: part of the real thing, and only tedious in a demo.
    LEADER_ELECTION: String(kind === 'real'),
  };
  const restarts = new Map<string, number>();
  const save = () =>
    writeLabState(paths, {
      pid: process.pid,
      registry: registry.address,
      kernels,
      clusters: accesses.map(({ name, server }) => ({ name, server })),
      processes: Object.fromEntries([...processes].map(([name, supervised]) => [name, supervised.pid()])),
      restarts: Object.fromEntries(restarts),
    });
  const start = (name: string): Supervised => {
    const room = name === 'hub' ? 'hub' : 'spoke';
    const own: Record<string, string> =
      room === 'hub' ? { KMM_BUILD_DIR: paths.path('builds') } : { KMM_MANAGED: '1' };
    const env = { ...common, ...own, KUBECONFIG: paths.path(`${name}-operator.kubeconfig`) };
    const restarted = () => {
      restarts.set(name, (restarts.get(name) ?? 0) + 1);
      log.info('lab.restarted', { key: name, count: restarts.get(name) ?? 0 });
      save();
    };
    return supervise(room, env, paths.path('logs', `${name}.log`), { restarted });
  };
  const processes = new Map(accesses.map(({ name }) => [name, start(name)] as const));
  save();
  step('waiting for the kernels of the clusters');
  await untilClaimed(fleet.client('hub'), signal);
  writeFileSync(paths.path('ready'), '');
  log.info('lab.ready');

  // It may have been told to end while it was starting.
  await aborted(signal);
  await Promise.all([...processes.values()].map((supervised) => supervised.stop()));
  await registry.stop();
  await neighbours;
  await fleet.stop();
});
