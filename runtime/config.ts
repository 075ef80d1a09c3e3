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
    problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  };
}
