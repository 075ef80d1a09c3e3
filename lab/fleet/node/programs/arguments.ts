/** Arguments of a program in getopt's manner. */
export interface Arguments {
  /** Letters and long names that were given, each with the value it took. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
  /** The first option that the program does not know. */
  readonly unknown?: string;
}

/**
 * Reads options before, between and behind operands; `--` ends them.
 *
 * @param flags  letters without a value
 * @param valued letters with one, glued to it or as the next argument
 * @param long   long names and the letter that each stands for
 */
export function readArguments(
  args: readonly string[],
  flags: string,
  valued = '',
  long: Readonly<Record<string, string>> = {},
): Arguments {
  const options = new Map<string, string[]>();
  const operands: string[] = [];
  let unknown: string | undefined;
  const add = (letter: string, value = '') => options.set(letter, [...(options.get(letter) ?? []), value]);
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') return { options, operands: [...operands, ...rest], ...(unknown && { unknown }) };
    if (argument.startsWith('--')) {
      const [name = '', ...value] = argument.slice(2).split('=');
      const letter = long[name];
      if (letter === undefined) unknown ??= `--${name}`;
      else if (valued.includes(letter)) add(letter, value.length > 0 ? value.join('=') : rest.shift());
      else add(letter);
    } else if (/^-./.test(argument)) {
      for (let at = 1; at < argument.length; at++) {
        const letter = argument[at] ?? '';
        if (valued.includes(letter)) {
          add(letter, at + 1 < argument.length ? argument.slice(at + 1) : rest.shift());
          break;
        }
        if (flags.includes(letter)) add(letter);
        else unknown ??= `-${letter}`;
      }
    } else operands.push(argument);
  }
  return { options, operands, ...(unknown && { unknown }) };
}

/** getopt's words, as coreutils print them. */
export function refuseOption(program: string, option: string): string {
  const what = option.startsWith('--')
    ? `unrecognized option '${option}'`
    : `invalid option -- '${option.slice(1)}'`;
  return `${program}: ${what}\n${tryHelp(program)}`;
}

export const tryHelp = (program: string): string => `Try '${program} --help' for more information.\n`;

export const missingOperand = (program: string): string => `${program}: missing operand\n${tryHelp(program)}`;
