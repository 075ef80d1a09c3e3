import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** Of a machine that is busy, or has ended. */
const ANSWER_MS_MAX = 30_000;

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/**
 * Has qemu do something to a machine, by its monitor (QMP) on a UNIX socket.
 *
 * @throws {Error} in qemu's words, or when it says nothing in time
 */
export async function tellMonitor(path: string, command: string, args: object): Promise<void> {
  const socket = connect(path);
  const tooLate = new Error(`nothing in ${ANSWER_MS_MAX / 1_000} s`);
  const timer = setTimeout(() => socket.destroy(tooLate), ANSWER_MS_MAX);
  const say = (words: object) => socket.write(`${JSON.stringify(words)}\n`);
  say({ execute: 'qmp_capabilities' });
  say({ execute: command, arguments: args });
  try {
    let left = 2;
    for await (const line of createInterface({ input: socket })) {
      const answer = JSON.parse(line) as Answer;
      if (answer.error) throw new Error(answer.error.desc);
      // A greeting and events are no answers.
      if (answer.return !== undefined) left -= 1;
      if (left === 0) return;
    }
    throw new Error('the machine has ended');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${command}: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
