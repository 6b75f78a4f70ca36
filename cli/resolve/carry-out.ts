import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError, hasCode } from '../../lib/errors.ts';
import { type Decided, resolveMigration } from '../../migrator/driver/resolve.ts';
import type { Hub } from '../hub-client.ts';
import type { Io } from '../io.ts';
import { findMigration } from '../migration.ts';
import { duration } from '../output.ts';

const pollMs = 200;

/** Drives the migration as a person has decided, until it has ended, here or by a migrator that takes it over. @throws E_TIMEOUT */
export async function carryOut(hub: Hub, io: Io, id: string, decided: Decided, timeoutMs: number): Promise<SagaState> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]);
  await resolveMigration(id, decided, {
    connection: hub.connection,
    migrations: await hub.migrations(),
    nodes: await hub.nodes(),
    driver: 'operator',
    enduranceMs: timeoutMs,
    clock: io.clock,
    random: Math.random,
    log: hub.log,
    signal,
  }).catch((error: unknown) => {
    if (!signal.aborted && !hasCode(error, 'E_STALE') && !hasCode(error, 'E_BUSY')) throw error;
  });
  for (;;) {
    const { value } = await findMigration(hub, id);
    if (value.direction === 'ended') return value;
    if (signal.aborted)
      throw new GodwitError('E_TIMEOUT', `migration ${id} is not settled after ${duration(timeoutMs)}`, {
        next: `godwit resolve ${id} tells where it stands`,
      });
    await io.clock.sleep(pollMs, { signal }).catch(() => undefined);
  }
}
