/** The command that tells more of a pod that does not run, on its own cluster. Pure. @param reason why it does not */
export function moreOfPod(
  pod: { readonly namespace?: string; readonly name: string },
  reason: string,
): string {
  const target = `${pod.name}${pod.namespace ? ` -n ${pod.namespace}` : ''}`;
  return reason === 'CrashLoopBackOff'
    ? `kubectl logs ${target} --previous`
    : `kubectl describe pod ${target}`;
}
