import { type Finding, found } from '../finding.ts';
import type { Toleration } from '../kinds/module.ts';

const KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/;

/** The rules of core Kubernetes on tolerations, told before a pod is refused because of them. */
export function checkTolerations(tolerations: readonly Toleration[] | undefined, path: string): Finding[] {
  return (tolerations ?? []).flatMap((toleration, index) =>
    problemsOf(toleration).map(({ field, message, next }) =>
      found('TolerationInvalid', `${path}[${index}].${field}`, message, next),
    ),
  );
}

function problemsOf({ key, operator = 'Equal', value, effect, tolerationSeconds }: Toleration) {
  const problems = [
    key && !KEY.test(key) && at('key', `"${key}" is not a label key.`, 'Write [prefix/]name.'),
    !key && operator !== 'Exists' && at('operator', 'Without a key only Exists works.', 'Set key or Exists.'),
    operator === 'Exists' && value && at('value', 'Exists takes no value.', 'Remove value.'),
    operator === 'Equal' &&
      !VALUE.test(value ?? '') &&
      at('value', `"${value}" is not a label value.`, 'Use at most 63 letters, digits, dots and hyphens.'),
    tolerationSeconds !== undefined &&
      effect !== 'NoExecute' &&
      at('tolerationSeconds', 'Only NoExecute has a duration.', 'Set effect or remove tolerationSeconds.'),
  ];
  return problems.filter((problem) => typeof problem === 'object');
}

const at = (field: string, message: string, next: string) => ({ field, message, next });
