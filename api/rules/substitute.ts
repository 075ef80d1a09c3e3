/** `$NAME`, `${NAME}` and `${NAME<operator>word}`; `$$` is a dollar sign. Words do not nest. */
const VARIABLE = /\$(?:\$|(\w+)|\{(\w+)(?:(:?[-=+])([^}]*))?\})/g;

/**
 * Replaces shell-like variables in a template, as KMM's image templates do: a variable that is not set becomes the
 * empty string. Operators: `:-` `-` `:=` `=` give a default, `:+` `+` an alternative; the colon counts empty as unset.
 */
export function substitute(template: string, variables: Readonly<Record<string, string>>): string {
  return template.replaceAll(
    VARIABLE,
    (whole: string, bare?: string, name?: string, operator?: string, word = '') => {
      if (whole === '$$') return '$';
      const value = Object.hasOwn(variables, bare ?? name ?? '') ? variables[bare ?? name ?? ''] : undefined;
      const isSet = operator?.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
      if (operator?.endsWith('+')) return isSet ? word : '';
      return isSet ? (value ?? '') : operator ? word : (value ?? '');
    },
  );
}
