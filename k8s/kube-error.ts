import { z } from 'zod';
import { GodwitError, messageOf } from '../lib/errors.ts';

/** The parts of `Status` (meta/v1) that tell one refusal from another. */
const statusSchema = z.object({
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

/** What the API server answered instead of what was asked. */
export class KubeError extends GodwitError {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Reason of the Status, such as `AlreadyExists` or `TooManyRequests`; empty when there is none. */
  readonly reason: string;

  constructor(message: string, answer: { status: number; reason: string; cause?: unknown }) {
    super(answer.reason === 'Conflict' ? 'E_CONFLICT' : 'E_KUBERNETES', message, { cause: answer.cause });
    this.name = 'KubeError';
    this.status = answer.status;
    this.reason = answer.reason;
  }
}

/** Of an answer that is no success: its body is a Status as JSON, or any text. */
export function refusalOf(doing: string, status: number, body: string): KubeError {
  const parsed = statusSchema.safeParse(jsonOf(body));
  const { reason = '', message } = parsed.success ? parsed.data : {};
  const said = message ?? (body.trim().slice(0, 200) || `HTTP status ${status}`);
  return new KubeError(`${doing}: ${said}`, { status, reason });
}

/** Of anything thrown by a call: an error of this file passes, all else is a lack of an answer. */
export function toKubeError(error: unknown, doing: string): GodwitError {
  if (error instanceof GodwitError) return error;
  // an aborted call hides the reason in the cause
  const hidden = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  const said = messageOf(error);
  const all = hidden === '' || said.includes(hidden) ? said : `${said}: ${hidden}`;
  return new KubeError(`${doing}: ${all}`, { status: 0, reason: '', cause: error });
}

export const hasStatus = (error: unknown, ...statuses: number[]): error is KubeError =>
  error instanceof KubeError && statuses.includes(error.status);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
