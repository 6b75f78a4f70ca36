import type { JetStreamClient, PubAck } from '@nats-io/jetstream';
import { toGodwitError } from '../errors.ts';

export interface PublishOptions {
  /** Unique for ever; a repeat within the stream's duplicate window is stored once. */
  id: string;
  timeoutMs?: number;
}

/** Publishes into a stream and waits for the server's acknowledgement; throws E_BUS without one. */
export async function publish(
  js: JetStreamClient,
  subject: string,
  message: unknown,
  options: PublishOptions,
): Promise<PubAck> {
  try {
    return await js.publish(subject, JSON.stringify(message), {
      msgID: options.id,
      timeout: options.timeoutMs ?? 5000,
    });
  } catch (error) {
    throw toGodwitError(error, 'E_BUS', `publishing on ${subject}`);
  }
}
