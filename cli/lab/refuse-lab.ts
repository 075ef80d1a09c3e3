import type { Connected } from '../hub/connection.ts';
import type { Io } from '../io.ts';
import { UserError } from '../output/user-error.ts';
import { labOf } from './lab-state.ts';

/** @throws {UserError} for an API server of a lab, which has no operator installed that could be judged or taken away */
export function refuseLab(io: Io, connected: Pick<Connected, 'server' | 'kubeconfig'>): void {
  const lab = labOf(connected, io.env);
  if (!lab) return;
  throw new UserError(
    `${connected.server} is of the lab in ${lab.directory}, which is no installation: its operators are processes of this machine. See them with kmm lab status; end it with kmm lab down.`,
  );
}
