/** A refusal as kube-apiserver words it: becomes a Status body. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  /** What was refused, where the refusal is about one object. */
  about: { readonly name: string; readonly kind: string; readonly group?: string } | undefined;
  /** Where a list that cannot go on as it was may go on all the same. */
  continue: string | undefined;

  constructor(code: number, reason: string, message: string, causes: readonly StatusCause[] = []) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
    this.causes = causes;
  }

  status(): object {
    const { about, causes, code, reason, message } = this;
    const metadata = this.continue ? { continue: this.continue } : {};
    const details = causes.length > 0 ? { details: { ...about, causes } } : {};
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata,
      status: 'Failure',
      message,
      reason,
      ...details,
      code,
    };
  }
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export const notFound = (plural: string, name: string) =>
  new ApiError(404, 'NotFound', `${plural} "${name}" not found`);

export const conflict = (plural: string, name: string, why: string) =>
  new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${plural} "${name}": ${why}`);

export const methodNotAllowed = () =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

export const badRequest = (message: string) => new ApiError(400, 'BadRequest', message);

export const forbidden = (plural: string, name: string, why: string) =>
  new ApiError(403, 'Forbidden', `${plural} "${name}" is forbidden: ${why}`);

/** @param rest a token that lists what is left as it is now, for a reader in the middle of a list */
export function expired(rest?: string): ApiError {
  const error = new ApiError(410, 'Expired', 'The resourceVersion is too old: its events are compacted.');
  error.continue = rest;
  return error;
}

/** 422 with one cause per field, as for a CRD whose schema says no. */
export function invalid(kind: string, name: string, causes: readonly StatusCause[]): ApiError {
  const list = causes.map(({ field, message }) => `${field}: ${message}`);
  const text = list.length === 1 ? list[0] : `[${list.join(', ')}]`;
  const error = new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, causes);
  const [own = '', ...group] = kind.split('.');
  error.about = { name, ...(group.length > 0 && { group: group.join('.') }), kind: own };
  return error;
}
