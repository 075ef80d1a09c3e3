/** Names that Kubernetes takes: of a namespace, and of most other objects. */
export const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
