import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Decision } from '../lib/contract/decision.ts';
import type { World } from './world/model.ts';

export interface DeciderMetrics {
  registry: Registry;
  sample(outcome: 'folded' | 'repeated' | 'rejected'): void;
  rejected(stream: string): void;
  decision(decision: Decision): void;
  /** Sample received → decision ready, in milliseconds. */
  decided(ms: number): void;
  unpublished(): void;
  policyRejected(): void;
}

/** Everything that the decider counts; `epoch` is 0 while it does not lead. */
export function createMetrics(world: World, epoch: () => number | undefined): DeciderMetrics {
  const registry = new Registry();
  const registers = [registry];
  const name = (rest: string): string => `godwit_decider_${rest}`;
  const samples = new Counter({
    name: name('samples_total'),
    help: 'Telemetry messages by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const messages = new Counter({
    name: name('rejected_messages_total'),
    help: 'Messages of other streams that did not fit their schema',
    labelNames: ['stream'],
    registers,
  });
  const decisions = new Counter({
    name: name('decisions_total'),
    help: 'Decisions by verdict, trigger and the stage that had the last word',
    labelNames: ['verdict', 'trigger', 'stage'],
    registers,
  });
  const unpublished = new Counter({
    name: name('unpublished_total'),
    help: 'Decisions that were given up before they and their commands were stored',
    registers,
  });
  const rejected = new Counter({
    name: name('policies_rejected_total'),
    help: 'Policy texts with faults',
    registers,
  });
  const seconds = new Histogram({
    name: name('decision_seconds'),
    help: 'From a sample received to the decision ready',
    buckets: [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05],
    registers,
  });
  const gauge = (rest: string, help: string, value: () => number): void => {
    new Gauge({
      name: name(rest),
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  };
  gauge('leader_epoch', 'Term of this leader, 0 while it does not lead', () => epoch() ?? 0);
  gauge('nodes', 'Nodes known', () => world.nodes.size);
  gauge('migrations_in_flight', 'Migrations decided and not ended', () => world.flights.size);
  gauge('workloads_away', 'Workloads away from home', () => {
    let away = 0;
    for (const workloads of world.away.values()) away += workloads.size;
    return away;
  });
  return {
    registry,
    sample: (outcome) => samples.inc({ outcome }),
    rejected: (stream) => messages.inc({ stream }),
    decision: ({ verdict, trigger, reports }) =>
      decisions.inc({ verdict, trigger, stage: reports.at(-1)?.stage ?? 'request' }),
    decided: (ms) => seconds.observe(ms / 1000),
    unpublished: () => unpublished.inc(),
    policyRejected: () => rejected.inc(),
  };
}
