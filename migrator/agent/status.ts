import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VerbResult } from '../../lib/contract/agent.ts';
import { keepLogs } from '../engine/engine.ts';
import { freezerOf, isFrozen } from '../engine/freezer.ts';
import { journalFile } from '../paths.ts';
import { type AgentContext, placeOf } from './context.ts';
import type { Journal, SourceJournal, TargetJournal } from './journal.ts';
import { removeShared } from './shared-folder.ts';
import { isDrained } from './target.ts';

type Status = VerbResult<'status'>;

/** What stands on this node of a migration, looked up now. */
export async function statusOf(context: AgentContext, journal: Journal | undefined): Promise<Status> {
  if (!journal || journal.role === 'void') return { role: 'none', copy: 'none' };
  if (journal.role === 'source') {
    const copy = journal.released ? 'none' : await copyOf(context, journal);
    return {
      role: 'source',
      copy,
      ...(journal.record && { record: journal.record }),
      ...(journal.attested && { attested: true }),
    };
  }
  const drained = journal.runningAt === undefined ? undefined : await isDrained(context, journal);
  return {
    role: 'target',
    copy: await targetCopy(context, journal),
    ...(drained !== undefined && { drained }),
    ...(journal.drainMs !== undefined && { drainMs: journal.drainMs }),
    ...(journal.lost && !journal.destroyed && { lost: true }),
  };
}

async function targetCopy(context: AgentContext, journal: TargetJournal): Promise<Status['copy']> {
  if (journal.destroyed) return 'none';
  if (journal.runningAt === undefined) return journal.heldAt === undefined ? 'none' : 'held';
  return journal.boot === context.boot ? copyOf(context, journal) : 'stopped';
}

async function copyOf(context: AgentContext, journal: SourceJournal | TargetJournal): Promise<Status['copy']> {
  const container = await context.host.copyOf(journal);
  // a pod outlives its container, and a kubelet can start it again
  if (!container) return journal.pod ? 'stopped' : 'none';
  if (!container.alive) return 'stopped';
  return (await isFrozen(freezerOf(container.cgroupPaths))) ? 'frozen' : 'running';
}

/** Removes images and working files. The journal stays: the record has to answer whoever asks late. */
export async function cleanUp(context: AgentContext, journal: SourceJournal | TargetJournal): Promise<void> {
  const place = placeOf(context, journal.migration);
  if (isFailure(journal))
    await keepLogs(place, join(dirname(journalFile(context.paths, journal.migration)), 'logs', journal.migration));
  await rm(place.folder, { recursive: true, force: true });
  if (journal.role === 'source') await removeShared(context, journal.migration);
  await context.host.settle(journal);
  journal.ended = true;
  await context.journals.save(journal);
}

const isFailure = (journal: SourceJournal | TargetJournal): boolean =>
  journal.role === 'source' ? journal.record === 'aborted' : journal.destroyed;
