/** Every error code: when it is raised, and what its reader can do. Each stands in docs/reference/errors.md. */
export const errorCodes = {
  E_CONFIG: 'A flag, environment variable or file holds a wrong value',
  E_INPUT: 'A message or request does not fit its schema',
  E_UNKNOWN_WORKLOAD: 'No node reports a workload of that name',
  E_UNKNOWN_NODE: 'No node of that name has joined',
  E_UNKNOWN_MIGRATION: 'No migration of that id is known',
  E_CONFLICT: 'Somebody else changed the same record first',
  E_BUS: 'The NATS server did not answer or refused',
  E_KUBERNETES: 'The Kubernetes API did not answer or refused',
  E_TIMEOUT: 'A step did not end before its deadline',
  E_EXEC: 'A program ended with a failure',
  E_PREFLIGHT: 'The workload can not move; nothing was stopped',
  E_STALE: 'The command is expired, repeated, or from an older epoch or term',
  E_BUSY: 'The workload or the node is occupied by another migration',
  E_RECORD: 'The commit record forbids this step',
  E_TRANSFER: 'Memory or files did not reach the target whole',
  E_RESTORE: 'The target could not restore the copy',
  E_IN_DOUBT: 'Both copies are stopped because the commit record can not be reached',
  E_LOST: 'The running copy died before all of its pages had arrived',
  E_REFUSED: 'Policy or budget refuses the request',
  E_CANCELLED: 'The migration was cancelled',
  E_SETUP: 'Something this machine needs is missing',
  E_LAB: 'The lab could not be built or changed',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** What the reader can do about it, one sentence. */
  next?: string;
  cause?: unknown;
}

/** The one error class that crosses module borders: a code of the registry, one sentence, a cause and a next step. */
export class GodwitError extends Error {
  readonly code: ErrorCode;
  readonly next: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GodwitError';
    this.code = code;
    this.next = details.next;
  }
}

/** Wraps anything thrown; a GodwitError passes through unchanged. */
export function toGodwitError(error: unknown, code: ErrorCode, doing: string): GodwitError {
  if (error instanceof GodwitError) return error;
  return new GodwitError(code, `${doing}: ${messageOf(error)}`, { cause: error });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function hasCode(error: unknown, code: ErrorCode): error is GodwitError {
  return error instanceof GodwitError && error.code === code;
}
