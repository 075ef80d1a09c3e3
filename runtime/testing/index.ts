/** What tests and benches of other rooms need of the machinery; no program imports it. */
export { passesOf } from './passes.ts';
export { TEST_TLS } from './tls-pair.ts';
