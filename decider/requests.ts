import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../lib/clock.ts';
import { type Decision, type MigrateReply, migrateRequestSchema } from '../lib/contract/decision.ts';
import { toGodwitError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { parseJson } from '../lib/parse.ts';
import { migrateRequestSubject } from '../lib/subjects.ts';
import { type Signature, sign } from './pipeline/verdict.ts';
import { judgeRequest } from './request/request.ts';
import { applyDecision } from './world/apply.ts';
import type { World } from './world/model.ts';

export interface RequestOptions {
  connection: NatsConnection;
  world: World;
  /** Undefined: this decider does not lead, and leaves the answer to the one that does. */
  signature(): Signature | undefined;
  /** Resolves when the decision and its command are stored. */
  send(decision: Decision): Promise<void>;
  clock: Clock;
  log: Logger;
}

/** Answers people who ask for a move; returns a function that stops it. */
export function answerRequests(options: RequestOptions): () => void {
  const subscription = options.connection.subscribe(migrateRequestSubject, {
    callback: (error, message) => {
      if (error) options.log.error({ err: error }, 'requests can not be heard');
      else void answer(message, options);
    },
  });
  return () => subscription.unsubscribe();
}

async function answer(message: Msg, options: RequestOptions): Promise<void> {
  const signature = options.signature();
  if (!signature) return;
  const reply = await judge(message.data, signature, options);
  message.respond(JSON.stringify(reply));
}

async function judge(data: Uint8Array, signature: Signature, options: RequestOptions): Promise<MigrateReply> {
  const { world, clock, log } = options;
  try {
    const request = parseJson(migrateRequestSchema, data, 'request');
    const now = clock.now();
    const decision = sign(world, judgeRequest(world, request, now), now, signature, request.dryRun);
    if (!request.dryRun) {
      applyDecision(world, decision);
      await options.send(decision);
    }
    return { ok: true, decision };
  } catch (error) {
    const { code, message, next } = toGodwitError(error, 'E_BUS', 'the request');
    log.info({ code, fault: message }, 'request refused');
    return { ok: false, error: { code, message, ...(next !== undefined && { next }) } };
  }
}
