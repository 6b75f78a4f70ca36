import type { VerbResult } from '../../lib/contract/agent.ts';
import { GodwitError, hasCode } from '../../lib/errors.ts';
import { freeze, freezerOf, isFrozen } from '../engine/freezer.ts';
import type { AgentContext } from './context.ts';
import type { TargetJournal } from './journal.ts';
import { isAlive, isDrained } from './target.ts';

/** A copy whose page daemon has died finds zeros where memory should be: it must not go on, and is kept for whoever looks into it. */
export async function stopLostCopy(context: AgentContext, journal: TargetJournal): Promise<void> {
  if (await isDrained(context, journal)) return;
  if (!journal.lost || !(await isAlive(context, journal))) return;
  const container = await context.host.copyOf(journal);
  if (!container?.alive) return;
  const freezer = freezerOf(container.cgroupPaths);
  if (await isFrozen(freezer)) return;
  context.log.error({ migration: journal.migration, workload: journal.workload }, 'copy lost; stopping it');
  await freeze(freezer, context.clock);
}

/** A person gives up the memory of a lost copy: what is left of it is ended, and the workload started from its files here. */
export async function startAnew(context: AgentContext, journal: TargetJournal): Promise<VerbResult<'run'>> {
  if (journal.destroyed) throw new GodwitError('E_RECORD', 'the copy was destroyed');
  if (journal.lost || journal.startingAnew) {
    const { lazy } = journal;
    // written down first: what starts now has all of its memory, and nobody may stop it for the copy that has not
    Object.assign(journal, { lost: false, lazy: false, startingAnew: true, boot: context.boot });
    journal.runningAt = context.clock.now();
    await context.journals.save(journal);
    try {
      await context.host.target.startAnew(journal);
    } catch (error) {
      if (hasCode(error, 'E_RECORD')) {
        Object.assign(journal, { lost: true, lazy });
        delete journal.startingAnew;
        await context.journals.save(journal);
      }
      throw error;
    }
    delete journal.startingAnew;
    await context.journals.save(journal);
  }
  return { runningAt: journal.runningAt ?? context.clock.now(), drained: !journal.lazy };
}
