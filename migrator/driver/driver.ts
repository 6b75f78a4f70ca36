import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { consumeOneByOne } from '../../lib/bus/consume.ts';
import { openStore } from '../../lib/bus/kv.ts';
import { commandConsumer, driverLeaseMs, viaHub } from '../../lib/bus/streams.ts';
import { type Command, commandSchema, type MigrationEvent } from '../../lib/contract/migration.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { sagaStateSchema } from '../../lib/contract/saga.ts';
import type { Closable } from '../../lib/lifecycle.ts';
import { decodeToken } from '../../lib/subjects.ts';
import { defaultLimits } from '../saga/limits.ts';
import type { Limits } from '../saga/types.ts';
import { Announcer } from './announcer.ts';
import { probeClocks } from './ask.ts';
import { claim } from './claim.ts';
import { NodeClocks } from './clocks.ts';
import { drive } from './drive.ts';
import { Journal } from './journal.ts';
import { hearOthers } from './others.ts';
import { type Patience, untilBusAnswers } from './persist.ts';
import { watchMigrations } from './watch.ts';

export interface DriverOptions extends Patience {
  connection: NatsConnection;
  /** Name of the node on which this driver runs. */
  node: string;
  limits?: Limits;
  /** After so long a migration whose node does not answer is given back to the queue. */
  enduranceMs?: number;
  /** Hears of each event that this driver was the first to tell. */
  onTold?: (event: MigrationEvent) => void;
  /** Has to be the acknowledgement wait of the command consumer. */
  leaseMs?: number;
}

const defaultEnduranceMs = 60_000;

/** Works on migration commands, one at a time, until `signal` is aborted or it is closed. */
export function startDriver(options: DriverOptions): Closable {
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const done = run({ ...options, signal }).catch((error: unknown) => {
    if (!signal.aborted) options.log.error({ err: error }, 'driver stopped');
  });
  return {
    name: 'driver',
    close: async () => {
      closing.abort(new Error('driver is closed'));
      await done;
    },
  };
}

async function run(options: DriverOptions): Promise<void> {
  const { connection, node, clock, log, signal } = options;
  const { limits = defaultLimits, leaseMs = driverLeaseMs, enduranceMs = defaultEnduranceMs } = options;
  const js = jetstream(connection, viaHub());
  const [migrations, nodes] = await untilBusAnswers(
    'opening the buckets',
    () =>
      Promise.all([
        openStore(connection, 'migrations', sagaStateSchema, log),
        openStore(connection, 'nodes', nodeRecordSchema, log),
      ]),
    options,
  );
  const watch = watchMigrations(migrations, options);
  const handle = async (command: Command, subject: string, sequence: number): Promise<void> => {
    const others = hearOthers(command.id, watch);
    const at = clock.now();
    const claimed = await claim(
      { command, sequence, driver: node, at },
      { migrations, nodes, limits, highestEpochAt: watch.highestEpochAt, log },
    );
    if (!claimed) return;
    others.ownTerm(claimed.state.term);
    const { state, revision, context } = claimed;
    log.info({ migration: command.id, term: state.term, step: state.step }, 'migration claimed');
    const clocks = new NodeClocks();
    await probeClocks(state, { connection, clock, clocks });
    await drive(claimed, {
      ...options,
      clocks,
      context,
      enduranceMs,
      ...others,
      journal: new Journal(command.id, revision, { ...options, store: migrations, onCancel: others.cancel }),
      announcer: new Announcer(js, siteOf(subject), options, options.onTold),
    });
  };
  await consumeOneByOne(js, {
    stream: 'COMMANDS',
    consumer: commandConsumer,
    schema: commandSchema,
    workingEveryMs: leaseMs / 3,
    clock,
    log,
    signal,
    handle: (command, { subject, sequence }) => handle(command, subject, sequence),
  });
}

/** `migration.v1.<site>.command.<migration>` */
const siteOf = (subject: string): string => decodeToken(subject.split('.')[2] ?? '');
