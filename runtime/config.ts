import type * as z from 'zod';

/** Reads settings from the environment: the config, or every problem at once, one per line, so that a start fails only once. */
export function readConfig<S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
):
  | { readonly ok: true; readonly config: z.output<S> }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const known = Object.keys(schema.shape).filter((name) => env[name] !== undefined && env[name] !== '');
  const parsed = schema.safeParse(Object.fromEntries(known.map((name) => [name, env[name]])));
  if (parsed.success) return { ok: true, config: parsed.data };
  return {
    ok: false,
    problems: parsed.error.issues.map(({ path, message }) => {
      const name = path.join('.');
      return settingProblem(name, env[name], message);
    }),
  };
}

/** A setting that nothing can be done with: its name, its value, why, and what to do. Pure. */
export function settingProblem(name: string, value: string | undefined, why: string): string {
  if (!value) return `${name}: ${sentence(why)} Set it.`;
  return `${name}: "${value}": ${sentence(why)} Correct it, or leave it out.`;
}

const sentence = (words: string) => words.replace(/(?<=[^.!?])$/, '.');
