import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createHttpTransport, type KubeConnection, type Transport } from '@kmm-fleet/runtime';
import { tailOf } from '../command.ts';
import type { Part } from './program.ts';

/** A part of a control plane that is starting. */
export interface StartingPart {
  readonly part: Part;
  readonly connection: KubeConnection;
  /** Its certificate is one of this authority: whoever else answers at its port is somebody else. */
  readonly ca: string;
  /** That it answers with 200 when it is ready. */
  readonly path: string;
  /** It, and parts without which it is never ready. */
  readonly needed: ReadonlyMap<Part, ChildProcess>;
  readonly logOf: (part: Part) => string;
}

const START_MS_MAX = 60_000;
const ANSWER_MS_MAX = 3_000;
const PAUSE_MS = 100;
/** As programs in Go say it. */
const PORT_TAKEN = /listen tcp (\S+): bind: address already in use/;

/** @throws {Error} in the words of the part that has ended or is not ready */
export async function untilReady(starting: StartingPart): Promise<void> {
  const { connection, ca, path, needed } = starting;
  const endMs = Date.now() + START_MS_MAX;
  const ended = () => [...needed].find(([, child]) => child.exitCode !== null || child.signalCode !== null);
  const transport = createHttpTransport({ ...connection, ca });
  try {
    while (Date.now() < endMs && !ended()) {
      if (await isReady(transport, path)) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } finally {
    await transport.close();
  }
  throw notReady(starting, ended());
}

function notReady({ part, logOf }: StartingPart, ended: [Part, ChildProcess] | undefined): Error {
  const [culprit, child] = ended ?? [part];
  const log = readFileSync(logOf(culprit), 'utf8');
  const [, address] = PORT_TAKEN.exec(log) ?? [];
  if (address)
    return new Error(`${culprit} wants ${address}, which another program has taken since. Start it again.`);
  const what = child
    ? `ended with ${child.signalCode ?? `code ${child.exitCode}`}`
    : `was not ready in ${START_MS_MAX / 1_000} s`;
  return new Error(`${culprit} ${what}:\n${tailOf(log, 15)}`);
}

async function isReady(transport: Transport, path: string): Promise<boolean> {
  try {
    // Who listens and says nothing is somebody else, or is not there yet.
    const soon = AbortSignal.timeout(ANSWER_MS_MAX);
    const { status, body } = await transport.request({ method: 'GET', path, headers: {} }, soon);
    for await (const _ of body);
    return status === 200;
  } catch {
    return false;
  }
}
