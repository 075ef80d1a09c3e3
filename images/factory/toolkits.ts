import {
  bad,
  type Checked,
  findRegexp,
  found,
  good,
  kernelVariables,
  OPERATOR,
  regexpProblem,
  substitute,
} from '@kmm-fleet/api';

/**
 * The toolkit image of a kernel: each value of the catalogue is `<kernel regexp> <image>`, the first match in key order
 * counts. See docs/decisions/0006.
 */
export function toolkitFor(
  catalogue: Readonly<Record<string, string>> | undefined,
  kernel: string,
): Checked<string> {
  for (const [name, value] of Object.entries(catalogue ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [regexp = '', image = '', ...rest] = value.trim().split(/\s+/);
    const problem = regexpProblem(regexp);
    if (!image || rest.length > 0 || problem) {
      const message = `ConfigMap ${OPERATOR.toolkits}: "${name}" is not "<kernel regexp> <image>"${problem ? ` (${problem})` : ''}.`;
      return bad(found('ToolkitInvalid', `data.${name}`, message, 'Correct the entry.'));
    }
    if (!findRegexp(regexp, kernel)) continue;
    const variables = kernelVariables(kernel);
    return variables.ok ? good(substitute(image, { ...variables.value })) : variables;
  }
  const message = `The Dockerfile uses DTK_AUTO and no entry of ConfigMap ${OPERATOR.toolkits} matches kernel ${kernel}.`;
  return bad(found('ToolkitMissing', '', message, 'Add an entry "<kernel regexp> <image>".'));
}
