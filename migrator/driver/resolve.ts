import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Store } from '../../lib/bus/kv.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import type { CommitRecord } from '../../lib/contract/migration.ts';
import type { NodeRecord } from '../../lib/contract/node.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError, hasCode } from '../../lib/errors.ts';
import { defaultLimits } from '../saga/limits.ts';
import { transition } from '../saga/transition.ts';
import type { ResolveEvent, Role, SagaContext } from '../saga/types.ts';
import { Announcer } from './announcer.ts';
import { probeClocks } from './ask.ts';
import { type Claimed, contextOf, nodesOf } from './claim.ts';
import { NodeClocks } from './clocks.ts';
import { drive } from './drive.ts';
import { Journal } from './journal.ts';
import type { Patience } from './persist.ts';

/** What a person has decided; `record` is what the source's agent has just said of it. */
export interface Decided {
  keep: Role;
  dead?: Role | undefined;
  record?: CommitRecord | undefined;
}

export interface ResolveOptions extends Patience {
  connection: NatsConnection;
  migrations: Store<SagaState>;
  nodes: Store<NodeRecord>;
  /** Who drives, as the stored state names it. */
  driver: string;
  /** A node that does not answer for so long ends the attempt. */
  enduranceMs: number;
}

/**
 * Takes a migration in doubt, or lost, from whoever drives it, and carries out what a person has decided. Stored first: should this
 * process die, any driver that still has the command goes on with it.
 * Throws E_RECORD when there is nothing to decide any more, E_STALE when another driver has taken over, E_BUSY when a node is silent.
 */
export async function resolveMigration(id: string, decided: Decided, options: ResolveOptions): Promise<void> {
  const { connection, migrations, clock } = options;
  const { state, commands, revision, context, site } = await takeOver(id, decided, options);
  const clocks = new NodeClocks();
  await probeClocks(state, { connection, clock, clocks });
  const never = Promise.withResolvers<never>().promise;
  await drive(
    { state, commands },
    {
      ...options,
      clocks,
      context,
      cancelled: never,
      superseded: never,
      journal: new Journal(id, revision, { ...options, store: migrations, onCancel: () => {} }),
      announcer: new Announcer(jetstream(connection, viaHub()), site, options),
    },
  );
}

async function takeOver(
  id: string,
  decided: Decided,
  { migrations, nodes, driver, clock }: ResolveOptions,
): Promise<Claimed & { site: string }> {
  for (;;) {
    const found = await migrations.get(id);
    if (!found) throw new GodwitError('E_UNKNOWN_MIGRATION', `there is no migration ${id}`);
    const { command } = found.value;
    const known = await nodesOf(command, { nodes });
    if (!known.source) throw new GodwitError('E_UNKNOWN_NODE', `no node of the name ${command.source} has joined`);
    const context: SagaContext = contextOf(known, defaultLimits);
    const event: ResolveEvent = { kind: 'resolve', at: clock.now(), driver, ...decided };
    const next = transition(found.value, event, context);
    if (next.commands.length === 0)
      throw new GodwitError('E_RECORD', `migration ${id} can not be resolved so, or has been settled meanwhile`, {
        next: `godwit resolve ${id}`,
      });
    try {
      const revision = await migrations.update(id, next.state, found.revision);
      return { ...next, revision, context, site: known.source.site };
    } catch (error) {
      if (!hasCode(error, 'E_CONFLICT')) throw error; // its driver has written meanwhile: judge anew
    }
  }
}
