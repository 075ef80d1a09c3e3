/** What tests and benches of other rooms read off the machinery; no program imports it. */
export { passesOf } from './passes.ts';
