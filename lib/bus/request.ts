import { type NatsConnection, NoRespondersError, TimeoutError } from '@nats-io/transport-node';
import type { z } from 'zod';
import { GodwitError, messageOf } from '../errors.ts';
import { parseJson } from '../parse.ts';

/** Asks and waits for one answer; E_TIMEOUT past the deadline, E_BUS when nobody listens or the connection is down. */
export async function request<T>(
  connection: NatsConnection,
  subject: string,
  message: unknown,
  schema: z.ZodType<T>,
  options: { timeoutMs: number },
): Promise<T> {
  try {
    const reply = await connection.request(subject, JSON.stringify(message), { timeout: options.timeoutMs });
    return parseJson(schema, reply.data, `answer on ${subject}`);
  } catch (error) {
    if (error instanceof GodwitError) throw error;
    if (error instanceof TimeoutError)
      throw new GodwitError('E_TIMEOUT', `${subject}: no answer in ${options.timeoutMs} ms`, { cause: error });
    if (error instanceof NoRespondersError)
      throw new GodwitError('E_BUS', `${subject}: nobody listens`, { cause: error });
    throw new GodwitError('E_BUS', `${subject}: ${messageOf(error)}`, { cause: error });
  }
}
