/** The embedded fleet: an API server, what lives around it, nodes that are strict, and real components for the lab. */
export {
  type ApiServer,
  createApiServer,
  type Fault,
  readJsonPath,
  type WriteRecord,
} from './api-server/index.ts';
export * from './fleet/index.ts';
export * from './real/index.ts';
