/** Parts of a simulated node, for tests of what runs on nodes. */
export { makeLoaderContainer } from './loader-container.ts';
