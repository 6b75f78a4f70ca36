import { InvalidArgumentError } from '@nats-io/transport-node';
import type { Telemetry } from '../lib/contract/telemetry.ts';

/** `<site>.<node>.<boot>.<sequence>`: unique for ever, because `boot` is random. */
export function messageId(message: Telemetry): string {
  return `${message.site}.${message.node}.${message.boot}.${message.sequence}`;
}

/** How much of the buffer a message takes: its samples, and one for the node. */
export function weight(message: Telemetry): number {
  return message.containers.length + 1;
}

/** The client refuses a message larger than the server's `max_payload`; no later attempt helps. Everything else may pass. */
export function isHopeless(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof InvalidArgumentError;
}
