import type { VerbResult } from '../../lib/contract/agent.ts';
import { GodwitError } from '../../lib/errors.ts';
import { readContainer } from '../engine/container.ts';
import { drainJob } from '../engine/engine.ts';
import { freeze, freezerOf, isFrozen } from '../engine/freezer.ts';
import { killJob } from '../engine/job.ts';
import { removeContainer } from '../workloads/container.ts';
import { readManaged, writeManaged } from '../workloads/store.ts';
import { ensureRunning } from '../workloads/supervise.ts';
import { type AgentContext, placeOf } from './context.ts';
import type { TargetJournal } from './journal.ts';
import { isAlive, isDrained } from './target.ts';

/** A copy whose page daemon has died finds zeros where memory should be: it must not go on, and is kept for whoever looks into it. */
export async function stopLostCopy(context: AgentContext, journal: TargetJournal): Promise<void> {
  if (await isDrained(context, journal)) return;
  if (!journal.lost || !(await isAlive(context, journal))) return;
  const container = await readContainer(context.paths.runcRoot, journal.workload);
  if (!container?.alive) return;
  const freezer = freezerOf(container.cgroupPaths);
  if (await isFrozen(freezer)) return;
  context.log.error({ migration: journal.migration, workload: journal.workload }, 'copy lost; stopping it');
  await freeze(freezer, context.clock);
}

/** A person gives up the memory of a lost copy: what is left of it is ended, and the workload started from its files here. */
export async function startAnew(context: AgentContext, journal: TargetJournal): Promise<VerbResult<'run'>> {
  if (journal.destroyed) throw new GodwitError('E_RECORD', 'the copy was destroyed');
  if (journal.lost) {
    const managed = await readManaged(context.paths, journal.workload);
    if (!managed || managed.image === '')
      throw new GodwitError('E_RECORD', `${journal.workload} can not be started from its files on this node`);
    await killJob(drainJob(placeOf(context, journal.migration)));
    await removeContainer(journal.workload, context);
    await writeManaged(context.paths, { ...managed, state: 'running' });
    await ensureRunning(context, journal.workload);
    Object.assign(journal, { lost: false, lazy: false, boot: context.boot, runningAt: context.clock.now() });
    await context.journals.save(journal);
  }
  return { runningAt: journal.runningAt ?? context.clock.now(), drained: !journal.lazy };
}
