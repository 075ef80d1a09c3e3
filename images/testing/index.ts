/** Stand-ins for tests and for the embedded fleet: a registry and a builder in memory, kernel modules made to order. */
export { createFakeBuilder, type FakeBuilder, loaderTools } from './fake-builder.ts';
export { type ModuleShape, makeModule, VERMAGIC_TAIL } from './make-module.ts';
export {
  answer,
  createMemoryRegistry,
  type MemoryRegistry,
  type MemoryRegistryOptions,
} from './memory-registry.ts';
export { pushImage } from './push-image.ts';
export { testPair } from './test-keys.ts';
