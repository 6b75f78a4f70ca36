import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { viaHub } from '../../lib/bus/streams.ts';
import { telemetrySchema } from '../../lib/contract/telemetry.ts';
import { toGodwitError } from '../../lib/errors.ts';
import { parseJson } from '../../lib/parse.ts';
import { telemetrySubject } from '../../lib/subjects.ts';
import type { EdgeNodeFacts } from './status.ts';

const intervalSchema = telemetrySchema.pick({ intervalMs: true });

/** Looks up the newest sample of a node's monitor that the hub has stored. */
export type FindSample = (site: string, node: string) => Promise<EdgeNodeFacts['newestSample']>;

export async function sampleFinder(connection: NatsConnection): Promise<FindSample> {
  const manager: JetStreamManager = await jetstreamManager(connection, viaHub());
  return async (site, node) => {
    const subject = telemetrySubject(site, node);
    try {
      const message = await manager.streams.getMessage('TELEMETRY', { last_by_subj: subject });
      if (!message) return undefined;
      const { intervalMs } = parseJson(intervalSchema, message.data, subject);
      return { storedAt: message.time.getTime(), intervalMs };
    } catch (error) {
      throw toGodwitError(error, 'E_BUS', `newest message of ${subject}`);
    }
  };
}
