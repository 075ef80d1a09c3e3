import { error, type ReasonEntry, waiting } from './reason.ts';

/** What API servers and the network do to everybody. */
export const OF_THE_WORLD = {
  AlreadyExists: waiting('The object exists already; it is read again.'),
  ApiError: error('The API server failed.', 'Read its log; it is tried again.'),
  ApiForbidden: error(
    'The service account lacks a right.',
    'Grant the right that the message names; policies/rbac lists all that are needed.',
  ),
  ApiInvalid: error(
    'The API server refused an object.',
    'Read the message; an admission policy may be in the way.',
  ),
  ApiThrottled: waiting('The API server asks for fewer requests.'),
  ApiUnauthorized: error(
    'The API server does not know the credentials.',
    'Renew the token or the certificate.',
  ),
  ApiUnreachable: error('The API server does not answer.', 'Check the network path to it.'),
  Conflict: waiting('Somebody else changed the object; it is tried again.'),
  NotFound: error('Something that is referred to is missing, often a namespace or a CRD.', 'Create it.'),
  WatchExpired: waiting('A watch was too far behind and begins again with a list.'),
  WatchIdle: waiting('A watch was silent for too long and is opened again.'),
} as const satisfies Record<string, ReasonEntry>;

/** Words of kubelets that our statuses pass on as they are. */
export const OF_NEIGHBOURS = {
  CrashLoopBackOff: error('A container ends again and again.', 'Read its previous log.'),
  CreateContainerConfigError: error('A container refers to something that is missing.', 'Describe the pod.'),
  CreateContainerError: error('A container cannot be created.', 'Describe the pod.'),
  ErrImageNeverPull: error(
    'The image is not on the node, and its pull policy is Never.',
    'Change imagePullPolicy.',
  ),
  ErrImagePull: error('The node cannot pull an image.', 'See ImagePullBackOff.'),
  ImagePullBackOff: error(
    'The node cannot pull an image.',
    'Check the pull secret in the namespace of the Module, and the path from the node to the registry.',
  ),
  InvalidImageName: error('An image reference is none.', 'Correct it.'),
  RunContainerError: error('A container cannot be started.', 'Describe the pod.'),
} as const satisfies Record<string, ReasonEntry>;
