import { afterAll, beforeAll, describe } from 'vitest';
import { describeApply } from './api-server/apply.contract.ts';
import { type ApiServerUnderTest, createContract, GROUP, SPACE, WIDGETS } from './api-server/contract.ts';
import { describeCustomResources } from './api-server/custom-resources.contract.ts';
import { describeDeletion } from './api-server/deletion.contract.ts';
import { describeFlowControl } from './api-server/flow-control.contract.ts';
import { describeHistory } from './api-server/history.contract.ts';
import { describeObjects } from './api-server/objects.contract.ts';
import { describeOwnKinds } from './api-server/own-kinds.contract.ts';
import { describeReads } from './api-server/reads.contract.ts';
import { describeUpdates } from './api-server/updates.contract.ts';
import { WIDGET_CRD } from './api-server/widget-crd.ts';

export type { Answer, ApiServerUnderTest } from './api-server/contract.ts';

const NAMESPACES = '/api/v1/namespaces';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/**
 * What controllers, agents and kubectl rely on in a Kubernetes API server. Written after kube-apiserver with its controller
 * manager, so that one can be put in the lab's place. Everything happens in a namespace and a CRD of its own.
 */
export function describeApiServer(name: string, start: () => Promise<ApiServerUnderTest>): void {
  describe(`${name} keeps the contract of an API server:`, () => {
    let server: ApiServerUnderTest;
    const contract = createContract(() => server);
    const { create, read, send, eventually } = contract;

    beforeAll(async () => {
      server = await start();
      await create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SPACE } });
      await create(CRDS, WIDGET_CRD);
      await eventually(async () => (await read(WIDGETS)).status === 200);
    });
    afterAll(async () => {
      await send('DELETE', `${NAMESPACES}/${SPACE}`);
      await send('DELETE', `${CRDS}/widgets.${GROUP}`);
      await server.close();
    });

    describeObjects(contract);
    describeUpdates(contract);
    describeCustomResources(contract);
    describeOwnKinds(contract);
    describeApply(contract);
    describeReads(contract);
    describeDeletion(contract);
    describeFlowControl(contract);
    describeHistory(contract);
  });
}
