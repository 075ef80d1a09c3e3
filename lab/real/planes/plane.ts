import type { ServerCertificates } from '../certificates.ts';
import type { KubeletPorts } from './node-tunnel.ts';
import type { AuditBodies, PlaneAccess, User } from './plane-access.ts';
import type { Part, Programs } from './program.ts';

/** A real Kubernetes control plane on the loopback address. */
export interface Plane extends PlaneAccess {
  readonly name: string;
  /** One line of JSON per request, as kube-apiserver audits it; see {@link readAuditLog}. */
  readonly auditLog: string;
  /** Ends a part without warning. */
  kill(part: Part): Promise<void>;
  /** Starts a part that was killed, on the data it had. */
  start(part: Part): Promise<void>;
  /**
   * etcd forgets all but the last version of each object. A kube-apiserver that runs still remembers what it has seen, and
   * resumes watches from there; one that is started anew answers those with 410.
   */
  compact(): Promise<void>;
  /** Ends everything and removes what it left in memory. */
  stop(): Promise<void>;
}

/** An OpenID Connect provider, whose certificate is signed by the authority of the plane. */
export interface IdentityProviderAccess {
  readonly url: string;
  /** Whom its tokens are for. */
  readonly clientId: string;
}

export interface PlaneOptions {
  readonly name: string;
  /** For files and logs; the data of etcd is in memory where the machine has a file system for that. */
  readonly directory: string;
  readonly programs: Programs;
  readonly certificates: ServerCertificates;
  readonly users?: readonly User[];
  readonly auditBodies?: AuditBodies;
  /** Where kubelets are that the API server cannot reach by itself. */
  readonly kubelets?: KubeletPorts | undefined;
  /** Who else says who somebody is, in ID tokens whose `sub` is the user's name and whose `groups` are the user's groups. */
  readonly identityProvider?: IdentityProviderAccess | undefined;
  /** Parts beside etcd and kube-apiserver. */
  readonly parts?: readonly Part[];
}
