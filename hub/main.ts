import { readFileSync } from 'node:fs';
import { OPERATOR } from '@kmm-fleet/api';
import {
  createBuildah,
  createRegistry,
  createRegistryTransport,
  imageLimits,
  readFileCommand,
} from '@kmm-fleet/images';
import { isInPod, runOperator } from '@kmm-fleet/runtime';
import { HubConfig } from './config.ts';
import { createHub } from './start-hub.ts';

await runOperator({
  name: 'kmm-hub',
  leaseName: OPERATOR.hubLease,
  settings: HubConfig,
  create(ports, config) {
    const { clock, random } = ports;
    const ca = config.KMM_REGISTRY_CA_FILE && readFileSync(config.KMM_REGISTRY_CA_FILE, 'utf8');
    return createHub({
      ...ports,
      registry: createRegistry({ transport: createRegistryTransport(ca), clock, random }),
      builder: createBuildah({
        directory: config.KMM_BUILD_DIR,
        ca,
        bytesMax: config.KMM_BUILD_GIB_MAX * 1024 ** 3,
        readLog: readFileCommand(config.OPERATOR_NAMESPACE, OPERATOR.hubAccount, isInPod(process.env)),
      }),
      limits: imageLimits(config),
      operatorNamespace: config.OPERATOR_NAMESPACE,
    });
  },
});
