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

/** What kubelet and runtime put before the cause, each with the whole reference of the image. */
const WRAPPINGS =
  /^(?:Back-off pulling image "[^"]*": |ErrImagePull: |rpc error: code = \w+ desc = |failed to [a-z ]+ "[^"]*": )+/;

/** Why a container waits, in the kubelet's words, without what it wraps around a pull that fails. Pure. */
export const kubeletWords = (message: string): string => message.replace(WRAPPINGS, '');
