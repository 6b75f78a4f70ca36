import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { openStore, type Store } from '../lib/bus/kv.ts';
import { viaHub } from '../lib/bus/streams.ts';
import type { Clock } from '../lib/clock.ts';
import { decisionSchema } from '../lib/contract/decision.ts';
import { migrationEventSchema } from '../lib/contract/migration.ts';
import { type NodeRecord, nodeRecordSchema } from '../lib/contract/node.ts';
import type { Logger } from '../lib/logger.ts';
import { createIntake, parseMessage } from './intake.ts';
import type { DeciderMetrics } from './metrics.ts';
import type { Past } from './past.ts';
import { parseTelemetry } from './telemetry.ts';
import { applyTelemetry } from './world/apply.ts';
import { applyNodeRecord } from './world/apply-node.ts';
import type { World } from './world/model.ts';

export interface SourceOptions {
  connection: NatsConnection;
  world: World;
  past: Past;
  metrics: DeciderMetrics;
  /** A node has a new sample. */
  react(node: string): void;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

export interface Sources {
  run(): Promise<void>;
  /** Everything that the streams held at the call has been folded. */
  caughtUp(): Promise<void>;
}

/** A migration under way is found again even where the policy keeps a shorter history. */
const leastHistoryMs = 86_400_000;

/** What the world is folded from: node records, decisions, events of migrations, telemetry. */
export async function openSources(options: SourceOptions): Promise<Sources> {
  const { connection, world, past, metrics, react, clock, log, signal } = options;
  const { spec } = world.policy;
  const shared = {
    js: jetstream(connection, viaHub()),
    manager: await jetstreamManager(connection, viaHub()),
    clock,
    log,
    signal,
  };
  const historyMs = Math.max(spec.budgets.migrationHistoryWindow, leastHistoryMs);
  const windowMs = spec.returnHome.stabilizationWindowSeconds * 1000;
  const decisions = createIntake({
    ...shared,
    stream: 'DECISIONS',
    since: clock.now() - historyMs,
    parse: (message) => parseMessage(decisionSchema, message),
    fold: past.decision,
    rejected: () => metrics.message('DECISIONS', 'rejected'),
  });
  const events = createIntake({
    ...shared,
    stream: 'EVENTS',
    since: clock.now() - historyMs,
    parse: (message) => parseMessage(migrationEventSchema, message),
    fold: past.event,
    rejected: () => metrics.message('EVENTS', 'rejected'),
  });
  const telemetry = createIntake({
    ...shared,
    stream: 'TELEMETRY',
    since: clock.now() - windowMs,
    parse: parseTelemetry,
    fold: (sample) => {
      const folded = applyTelemetry(world, sample);
      metrics.sample(folded ? 'folded' : 'repeated');
      if (folded) react(sample.node);
    },
    rejected: () => metrics.sample('rejected'),
  });
  const nodes = await openStore(connection, 'nodes', nodeRecordSchema, log);
  let revision = 0;
  for await (const entry of nodes.entries()) {
    applyNodeRecord(world, entry.key, entry.value);
    revision = Math.max(revision, entry.revision);
  }
  return {
    run: async () => {
      await Promise.all([followNodes(nodes, revision, options), decisions.run(), events.run(), telemetry.run()]);
    },
    caughtUp: async () => {
      await Promise.all([decisions.caughtUp(), events.caughtUp(), telemetry.caughtUp()]);
    },
  };
}

async function followNodes(nodes: Store<NodeRecord>, from: number, options: SourceOptions): Promise<void> {
  const { world, clock, log, signal } = options;
  for (let after = from; !signal.aborted; ) {
    try {
      for await (const { key, value, revision } of nodes.watch({ after, signal })) {
        applyNodeRecord(world, key, value);
        after = revision;
      }
    } catch (error) {
      log.warn({ err: error }, 'node records can not be followed; trying again');
    }
    await clock.sleep(500, { signal }).catch(() => undefined);
  }
}
