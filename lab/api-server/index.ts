/** An API server in this process, as far as controllers, OCM's agents and kubectl can tell. */
export { readJsonPath } from './json-path.ts';
export { type ApiServer, createApiServer, type Fault, type WriteRecord } from './server.ts';
