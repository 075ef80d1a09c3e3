import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to standard input, which is then closed. */
  readonly input?: string;
  /** Each line of output as it comes, for progress. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Longest output kept of one command, in characters: enough for a table, bounded against a runaway. */
const OUTPUT_CHARS_MAX = 4 * 1024 * 1024;

/**
 * Runs a program to its end and returns its standard output.
 *
 * @throws {Error} when it cannot be started or exits with another code than 0; the message holds the command and
 *   the last lines that it printed.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      signal: options.signal,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let all = '';
    const collect = (text: string, isOutput: boolean) => {
      if (isOutput) output = (output + text).slice(-OUTPUT_CHARS_MAX);
      all = (all + text).slice(-8_192);
      for (const line of text.split('\n')) if (line.trim()) options.onLine?.(line);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => collect(text, true));
    child.stderr.setEncoding('utf8').on('data', (text: string) => collect(text, false));
    child.stdin.on('error', () => {}); // A program that never reads its input closes it; its exit code tells.
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`, { cause: error })));
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${[command, ...args].join(' ')} exited with ${code}\n${tailOf(all, 20)}`));
    });
    child.stdin.end(options.input ?? '');
  });
}

/** The last `count` lines of a text. */
export function tailOf(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
