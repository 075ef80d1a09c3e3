/** When the queue tries again after a failure. `on-change` waits for an event, `never` for a person. */
export type Retry = 'now' | 'backoff' | 'on-change' | 'never';

interface Failure<R extends string = string> {
  /** Condition reason, CamelCase. */
  readonly reason: R;
  readonly retry: Retry;
  /** What the reader can do next. */
  readonly nextStep: string;
}

const failure = <const R extends string>(reason: R, retry: Retry, nextStep: string): Failure<R> => ({
  reason,
  retry,
  nextStep,
});

/** Everything the world can do to us. The code decides retry, condition reason and next step. */
export const FAILURES = {
  API_UNREACHABLE: failure('ApiUnreachable', 'backoff', 'Check the network path to the API server.'),
  API_UNAUTHORIZED: failure('ApiUnauthorized', 'backoff', 'Check the credentials in the kubeconfig.'),
  API_FORBIDDEN: failure('ApiForbidden', 'backoff', 'Grant the missing right to the service account.'),
  API_THROTTLED: failure(
    'ApiThrottled',
    'backoff',
    'The API server asks for fewer requests; it is tried again.',
  ),
  API_INVALID: failure('ApiInvalid', 'on-change', 'The API server refused the object; read the message.'),
  API_ERROR: failure('ApiError', 'backoff', 'Read the API server log.'),
  CONFLICT: failure('Conflict', 'now', 'Somebody else changed the object; it is tried again.'),
  ALREADY_EXISTS: failure('AlreadyExists', 'now', 'The object exists already; it is read again.'),
  NOT_FOUND: failure('NotFound', 'on-change', 'Create the missing object.'),
  // Nobody watches namespaces for it.
  NAMESPACE_MISSING: failure('ClusterNamespaceMissing', 'backoff', 'Accept the cluster in OCM.'),
  WATCH_EXPIRED: failure('WatchExpired', 'now', 'The watch is restarted from a fresh list.'),
  WATCH_IDLE: failure('WatchIdle', 'now', 'The watch is reopened.'),
  REGISTRY_UNREACHABLE: failure(
    'RegistryUnreachable',
    'backoff',
    'Check that the hub can reach the registry.',
  ),
  REGISTRY_UNAUTHORIZED: failure(
    'RegistryUnauthorized',
    'backoff',
    'Check the credentials in the Secret that imageRepoSecret names.',
  ),
  REGISTRY_THROTTLED: failure(
    'RegistryThrottled',
    'backoff',
    'The registry asks to wait; it is tried again.',
  ),
  REGISTRY_INVALID: failure(
    'RegistryInvalid',
    'backoff',
    'The registry answered nonsense; check its address.',
  ),
  IMAGE_NOT_FOUND: failure(
    'ImageNotFound',
    'backoff',
    'Push the image, or add a build section to the mapping.',
  ),
  IMAGE_AWAITED: failure('ImageAwaited', 'backoff', 'Push it, or let the operator build: KMM_BUILDER.'),
  IMAGE_VANISHED: failure(
    'ImageVanished',
    'backoff',
    'Nodes that have it keep it. Push it again, or raise imageRebuildTriggerGeneration.',
  ),
  IMAGE_INVALID: failure('ImageInvalid', 'on-change', 'Rebuild the image; its contents break the rules.'),
  BUILD_FAILED: failure(
    'BuildFailed',
    'backoff',
    'Read the build log and mend the Dockerfile in its ConfigMap.',
  ),
  BUILD_TIMED_OUT: failure(
    'BuildTimedOut',
    'backoff',
    'Find the step that hangs, or raise KMM_BUILD_MINUTES_MAX of the operator.',
  ),
  BUILD_TOO_LARGE: failure(
    'BuildTooLarge',
    'backoff',
    'Write less in the Dockerfile, or raise KMM_BUILD_GIB_MAX of the operator.',
  ),
  BUILD_DISK_FULL: failure(
    'BuildDiskFull',
    'backoff',
    'Make room in the folder that the message names, or set KMM_BUILD_DIR of the operator.',
  ),
  BUILDER_MISSING: failure('BuilderMissing', 'backoff', 'See who builds: KMM_BUILDER of the operator.'),
  PROGRAM_MISSING: failure('ProgramMissing', 'backoff', 'Install the program that the message names.'),
  SIGN_FAILED: failure(
    'SignFailed',
    'on-change',
    'Check the key and the certificate in the signing Secrets.',
  ),
} as const satisfies Record<string, Failure>;

export type FailureCode = keyof typeof FAILURES;

/** A failure of the world. Callers branch on `code` or `retry`, never on `instanceof` across packages. */
export class AppError extends Error {
  readonly code: FailureCode;
  /** Earliest next try asked for by the other side (Retry-After), in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FailureCode,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get reason(): (typeof FAILURES)[FailureCode]['reason'] {
    return FAILURES[this.code].reason;
  }

  get retry(): Retry {
    return FAILURES[this.code].retry;
  }
}

/** Somebody else was quicker: what is there now is as good. */
export function isRace(error: unknown): boolean {
  return isAppError(error) && (error.code === 'CONFLICT' || error.code === 'ALREADY_EXISTS');
}

/** True for every AppError, also one from a second copy of this package. */
export function isAppError(error: unknown): error is AppError {
  return (
    error instanceof Error && error.name === 'AppError' && 'code' in error && String(error.code) in FAILURES
  );
}

/** What went wrong with a connection, in a few words; node's advice about its own options helps nobody here. */
export function connectionProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message || ('code' in error ? String(error.code) : error.name);
  return text.replace(/; if the root CA is installed locally.*$/s, '');
}
