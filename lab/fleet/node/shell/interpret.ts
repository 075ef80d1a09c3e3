import { type ExpansionPorts, expandPattern, expandText, expandWords } from './expand.ts';
import { matchesPattern } from './glob.ts';
import { parseScript } from './parse.ts';
import { ShellSyntaxError } from './parse-word.ts';
import { isShellBuiltin, runShellBuiltin } from './shell-builtins.ts';
import { complain, copyShell, ExitShell, type Io, LoopJump, type ShellState } from './shell-state.ts';
import { createCapture, openFile, readText, type Sink } from './streams.ts';
import type { AndOr, Command, Pipeline, Redirect, Script } from './syntax.ts';
import { Blocked, LimitReached } from './world.ts';

/**
 * Runs a script as dash would and returns its exit code.
 *
 * @throws {Blocked} when a command never ends, so that neither does the shell
 */
export function runShell(source: string, shell: ShellState, io: Io): number {
  let script: Script;
  try {
    script = parseScript(source);
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    io.err.write(`${shell.name}: ${error.line}: Syntax error: ${error.message}\n`);
    return 2;
  }
  const status = untilExit(() => runScript(script, shell, io, false), io, shell);
  const trap = shell.traps.get('EXIT');
  if (trap) untilExit(() => runScript(parseScript(trap), shell, io, true), io, shell);
  return status;
}

function untilExit(run: () => number, io: Io, shell: ShellState): number {
  try {
    return run();
  } catch (error) {
    if (error instanceof ExitShell) return error.code;
    if (error instanceof LoopJump) return 0;
    if (!(error instanceof LimitReached)) throw error;
    shell.world.limits.outputLeft = 4_096;
    io.err.write(`${shell.name}: killed: ${error.message}\n`);
    return 137;
  }
}

/** @param checked the status is looked at by the caller, so `set -e` does not act on it */
function runScript(script: Script, shell: ShellState, io: Io, checked: boolean): number {
  for (const andOr of script) {
    shell.status = andOr.background ? runBackground(andOr, shell, io) : runAndOr(andOr, shell, io, checked);
  }
  return script.length === 0 ? 0 : shell.status;
}

function runBackground(andOr: AndOr, shell: ShellState, io: Io): number {
  try {
    runAndOr(andOr, copyShell(shell), io, true);
  } catch (error) {
    if (error instanceof Blocked) shell.hasBackground = true;
    else if (!(error instanceof ExitShell)) throw error;
  }
  return 0;
}

function runAndOr({ links }: AndOr, shell: ShellState, io: Io, checked: boolean): number {
  let status = 0;
  for (const [index, { connector, pipeline }] of links.entries()) {
    if ((connector === '&&' && status !== 0) || (connector === '||' && status === 0)) continue;
    status = runPipeline(pipeline, shell, io, checked || index < links.length - 1);
    shell.status = status;
  }
  return status;
}

function runPipeline({ commands, negated }: Pipeline, shell: ShellState, io: Io, checked: boolean): number {
  let status = 0;
  let stdin = io.stdin;
  for (const [index, command] of commands.entries()) {
    const isLast = index === commands.length - 1;
    const capture = isLast ? undefined : createCapture(shell.world.limits);
    // A command alone works on the shell's own streams: `exec >file` changes them for good.
    if (commands.length === 1) status = runCommand(command, shell, io, checked || negated);
    else {
      const own = { ...io, stdin, out: capture ?? io.out };
      status = runInSubshell(shell, io, (inner) => runCommand(command, inner, own, true));
    }
    stdin = { text: capture?.text ?? '' };
  }
  if (negated) return status === 0 ? 1 : 0;
  if (status !== 0 && !checked && shell.options.errexit) throw new ExitShell(status);
  return status;
}

function runInSubshell(shell: ShellState, io: Io, run: (inner: ShellState) => number): number {
  const inner = copyShell(shell);
  return untilExit(() => run(inner), io, inner);
}

function runCommand(command: Command, shell: ShellState, io: Io, checked: boolean): number {
  if (command.kind === 'simple') return runSimple(command, shell, io);
  const redirected = redirect(command.redirects, shell, io);
  if (typeof redirected === 'number') return redirected;
  switch (command.kind) {
    case 'if':
      return runIf(command, shell, redirected, checked);
    case 'for':
      return runFor(command, shell, redirected, checked);
    case 'while':
      return runWhile(command, shell, redirected, checked);
    case 'case':
      return runCase(command, shell, redirected, checked);
    case 'group':
      return command.subshell
        ? runInSubshell(shell, redirected, (inner) => runScript(command.body, inner, redirected, checked))
        : runScript(command.body, shell, redirected, checked);
  }
}

function runIf(command: Command & { kind: 'if' }, shell: ShellState, io: Io, checked: boolean): number {
  for (const { condition, body } of command.branches) {
    if (runScript(condition, shell, io, true) === 0) return runScript(body, shell, io, checked);
  }
  return command.otherwise ? runScript(command.otherwise, shell, io, checked) : 0;
}

function runFor(command: Command & { kind: 'for' }, shell: ShellState, io: Io, checked: boolean): number {
  const values = command.words ? expandWords(command.words, ports(shell, io)) : shell.positional;
  return runLoop(shell, values, (value) => {
    shell.variables.set(command.variable, value);
    return runScript(command.body, shell, io, checked);
  });
}

function runWhile(command: Command & { kind: 'while' }, shell: ShellState, io: Io, checked: boolean): number {
  function* turns() {
    // The condition consumes a step, so a loop without a command inside ends as well.
    while ((runScript(command.condition, shell, io, true) === 0) !== command.until) {
      takeStep(shell);
      yield undefined;
    }
  }
  return runLoop(shell, turns(), () => runScript(command.body, shell, io, checked));
}

function runLoop<T>(shell: ShellState, values: Iterable<T>, run: (value: T) => number): number {
  let status = 0;
  for (const value of values) {
    shell.loops += 1;
    try {
      status = run(value);
    } catch (error) {
      if (!(error instanceof LoopJump)) throw error;
      if (error.levels > 1) {
        error.levels -= 1;
        throw error;
      }
      status = 0;
      if (error.kind === 'break') break;
    } finally {
      shell.loops -= 1;
    }
  }
  return status;
}

function runCase(command: Command & { kind: 'case' }, shell: ShellState, io: Io, checked: boolean): number {
  const expansion = ports(shell, io);
  const subject = expandText(command.subject, expansion);
  const arm = command.arms.find(({ patterns }) =>
    patterns.some((pattern) => matchesPattern(expandPattern(pattern, expansion), subject)),
  );
  return arm ? runScript(arm.body, shell, io, checked) : 0;
}

function runSimple(command: Command & { kind: 'simple' }, shell: ShellState, io: Io): number {
  takeStep(shell);
  shell.substituted = 0;
  shell.line = command.line;
  const expansion = ports(shell, io);
  const argv = expandWords(command.words, expansion);
  const redirected = redirect(command.redirects, shell, io);
  if (typeof redirected === 'number') return redirected;
  const [name] = argv;
  if (name === undefined) {
    for (const { name: variable, value } of command.assignments)
      shell.variables.set(variable, expandText(value, expansion));
    return shell.substituted;
  }
  const scope = command.assignments.length === 0 || isShellBuiltin(name) ? shell : copyShell(shell);
  for (const { name: variable, value } of command.assignments) {
    scope.variables.set(variable, expandText(value, expansion));
    if (scope !== shell) scope.exported.add(variable);
  }
  if (isShellBuiltin(name)) return runShellBuiltin(argv, shell, redirected, { io, run: runText });
  return scope.execute(argv, scope, redirected);
}

const runText = (source: string, shell: ShellState, io: Io): number =>
  runScript(parseScript(source), shell, io, true);

function takeStep({ world }: ShellState): void {
  world.limits.stepsLeft -= 1;
  if (world.limits.stepsLeft < 0) throw new LimitReached('too many commands');
}

/** The streams after redirections, or the exit code when one cannot be made. */
function redirect(redirects: readonly Redirect[], shell: ShellState, io: Io): Io | number {
  if (redirects.length === 0) return io;
  let { stdin } = io;
  const sinks = new Map<number, Sink>([
    [1, io.out],
    [2, io.err],
  ]);
  for (const { descriptor, operator, target } of redirects) {
    const text = expandText(target, ports(shell, io));
    let problem: string | undefined;
    if (operator === '<') {
      const content = readText(shell.world, shell.directory, text);
      if (content === undefined) problem = `cannot open ${text}: No such file`;
      else stdin = { text: content };
    } else if (operator === '>&') {
      const sink = sinks.get(Number(text));
      if (sink) sinks.set(descriptor, sink);
      else problem = `${text}: Bad file descriptor`;
    } else if (operator === '>' || operator === '>>') {
      const sink = openFile(shell.world, shell.directory, text, operator === '>>');
      if (typeof sink === 'string') problem = sink;
      else sinks.set(descriptor, sink);
    }
    if (problem !== undefined) {
      complain(shell, io, problem);
      return 2;
    }
  }
  return { stdin, out: sinks.get(1) ?? io.out, err: sinks.get(2) ?? io.err };
}

function ports(shell: ShellState, io: Io): ExpansionPorts {
  return {
    fs: shell.world.fs,
    directory: shell.directory,
    positional: () => shell.positional,
    value: (name) => parameterValue(name, shell),
    assign: (name, value) => shell.variables.set(name, value),
    substitute(script) {
      const capture = createCapture(shell.world.limits);
      const own = { ...io, out: capture };
      shell.substituted = runInSubshell(shell, io, (inner) => runScript(script, inner, own, true));
      return capture.text.replace(/\n+$/, '');
    },
    fail(message) {
      complain(shell, io, message);
      throw new ExitShell(2);
    },
    failsOnUnset: shell.options.nounset,
  };
}

function parameterValue(name: string, shell: ShellState): string | undefined {
  if (name === '?') return String(shell.status);
  if (name === '#') return String(shell.positional.length);
  if (name === '$') return '1';
  if (name === '@' || name === '*') return shell.positional.join(' ');
  if (name === '0') return shell.name;
  if (/^\d+$/.test(name)) return shell.positional[Number(name) - 1];
  return shell.variables.get(name);
}
