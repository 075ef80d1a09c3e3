import * as z from 'zod';

/** The fields that a schema knows at a path; none where it takes what comes. Pure. */
export function knownFields(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = bare(schema);
  for (const key of path) at = bare(at instanceof z.ZodObject ? at.shape[String(key)] : itemOf(at));
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

const itemOf = (schema: z.core.$ZodType | undefined) =>
  schema instanceof z.ZodArray ? schema.element : undefined;

function bare(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  const isWrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  return isWrapped ? bare(schema.def.innerType) : schema;
}
