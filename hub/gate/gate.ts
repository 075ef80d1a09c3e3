/** Whether a change of one cluster may go out now, and if not, what it waits for. */
export type Verdict =
  | { readonly go: true }
  | { readonly go: false; readonly reason: string; readonly message: string };

/** One cluster's change, as a roll-out plan will judge it. */
export interface GateInput {
  readonly module: string;
  readonly cluster: string;
}

/** Everything goes at once today; waves will decide here, between the plan of a work and its write. */
export function gate(_change: GateInput): Verdict {
  return { go: true };
}
