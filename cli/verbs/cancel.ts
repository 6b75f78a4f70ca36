import { z } from 'zod';
import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError, hasCode } from '../../lib/errors.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags, timeFlag } from '../flags.ts';
import { followMigration } from '../follow.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Verb } from '../io.ts';
import { findMigration } from '../migration.ts';

const shape = {
  migration: z.string(),
  wait: z.boolean().default(false),
  timeout: timeFlag.prefault('5m'),
  config: z.string().optional(),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'cancel');
  return withHub(flags.config, io, async (hub) => {
    await requestCancel(hub, flags.migration);
    io.out(`migration/${flags.migration}\n`);
    io.err('It is asked to roll back; the source runs on unless the commit was first.\n');
    if (!flags.wait) return exitCodes.done;
    const { result } = await followMigration(hub, io, flags.migration, flags.timeout);
    return result === 'rolled-back' || result === 'refused' ? exitCodes.done : exitCodes.failed;
  });
};

/** Leaves the wish in the migration's state, for its driver. @throws E_RECORD when it is too late */
async function requestCancel(hub: Hub, id: string): Promise<void> {
  const store = await hub.migrations();
  for (;;) {
    const { value, revision } = await findMigration(hub, id);
    refuseLate(value);
    if (value.cancelRequested) return;
    try {
      await store.update(id, { ...value, cancelRequested: true }, revision);
      return;
    } catch (error) {
      if (!hasCode(error, 'E_CONFLICT')) throw error; // the driver has written meanwhile: judge anew
    }
  }
}

function refuseLate({ command, direction, result, record }: SagaState): void {
  const next = `godwit describe migration ${command.id}`;
  if (direction === 'ended')
    throw new GodwitError('E_RECORD', `migration ${command.id} has ended: ${result ?? 'no result'}`, { next });
  if (record === 'committed')
    throw new GodwitError(
      'E_RECORD',
      `migration ${command.id} is committed: the copy on ${command.target} has the lead`,
      {
        next: `to bring it back: godwit migrate ${command.workload} --to ${command.source}`,
      },
    );
  if (record === 'aborted')
    throw new GodwitError('E_RECORD', `migration ${command.id} is rolling back already`, { next });
}
