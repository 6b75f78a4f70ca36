import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../lib/clock.ts';
import { type PodSample, podSampleSchema } from '../../lib/contract/telemetry.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { NodeConfig } from '../../lib/node-config.ts';
import { parseJson } from '../../lib/parse.ts';
import { podSampleSubject } from '../../lib/subjects.ts';
import { combined } from '../combine.ts';
import { createComplaints } from '../complaints.ts';
import type { ContainerSet } from '../container-set.ts';

/** What the telemetry schema allows in one message. */
const schemaMaximum = 1000;

/** The node's containers as the sidecars of their pods tell them; a sample stands until the next one, or as long as it says. */
export interface GatheredSet extends ContainerSet {
  /** Takes one message; a faulty one is logged once a pod. */
  take(subject: string, data: Uint8Array): void;
  /** Takes what comes by the bus from now on. */
  connected(connection: NatsConnection): void;
}

export interface GatheredSetOptions {
  config: Pick<NodeConfig, 'site' | 'name'>;
  clock: Clock;
  log: Logger;
}

export function createGatheredSet({ config, clock, log }: GatheredSetOptions): GatheredSet {
  const newest = new Map<string, { sample: PodSample['sample']; endsAt: number }>();
  const complaints = createComplaints(log);
  const take = (subject: string, data: Uint8Array): void => {
    const pod = subject.split('.').at(-1) ?? '';
    try {
      const { sample, goodForMs } = parseJson(podSampleSchema, data, subject);
      if (newest.has(pod) || newest.size < schemaMaximum)
        newest.set(pod, { sample, endsAt: clock.monotonic() + goodForMs });
      else complaints.add(pod, 'too many for one message');
    } catch (error) {
      complaints.add(pod, messageOf(error));
    }
    complaints.report();
  };
  return {
    take,
    connected: (connection) => {
      const filter = podSampleSubject(config.site, config.name, '*');
      connection.subscribe(filter, {
        callback: (error, message) => {
          if (!error) take(message.subject, message.data);
        },
      });
    },
    scan: () => {
      for (const [pod, { endsAt }] of newest) if (endsAt < clock.monotonic()) newest.delete(pod);
      complaints.keep(new Set(newest.keys()));
    },
    sample: () => combined([...newest.values()].map(({ sample }) => sample)),
    close: () => newest.clear(),
  };
}
