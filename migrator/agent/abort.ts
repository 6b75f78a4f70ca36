import type { VerbRequest, VerbResult } from '../../lib/contract/agent.ts';
import { endCheckpoint } from '../engine/checkpoint.ts';
import { dumpIsRunning, dumpJob } from '../engine/engine.ts';
import { giveVerdict } from '../engine/hold.ts';
import { killJob, waitJob } from '../engine/job.ts';
import { type AgentContext, placeOf } from './context.ts';
import type { SourceJournal, TargetJournal } from './journal.ts';
import { destroyCopy } from './target.ts';

/**
 * The source's half of an abort. An open record turns to `aborted` on the disk, then the workload runs on. A committed one stays,
 * and the workload runs here again only when the target attests that its copy is destroyed, or a person that the target is dead.
 */
export async function abortSource(
  context: AgentContext,
  journal: SourceJournal,
  request: Pick<VerbRequest<'abort'>, 'reason' | 'attestation'>,
): Promise<VerbResult<'abort'>> {
  if (journal.record === 'committed') {
    if (journal.released || request.attestation === undefined)
      return { record: 'committed', running: journal.attested };
    journal.attested = true;
  } else journal.record = 'aborted';
  journal.reason ??= request.reason;
  await context.journals.save(journal);
  await runAgain(context, journal);
  return { record: journal.record, running: true };
}

/** Lets the stopped workload go on: thawed where it stands, or started anew where a cold move had stopped it. */
export async function runAgain(context: AgentContext, journal: SourceJournal): Promise<void> {
  await endDump(context, journal);
  await context.host.source.runAgain(journal);
}

/**
 * A dump that is still held gives up by itself. One under way has the workload's tasks in its hands: killing CRIU would leave them broken.
 * Cutting its connection to the page server makes it fail by itself and put them back; only a CRIU that still hangs then is killed.
 */
async function endDump(context: AgentContext, journal: SourceJournal): Promise<void> {
  const place = placeOf(context, journal.migration);
  if (journal.prepared?.spec.checkpoint) return endCheckpoint(place);
  const { address = '', port = 0 } = journal.pages ?? {};
  const cut = () => context.exec('ss', ['-K', '-t', 'dst', address, 'dport', '=', `:${port}`]).catch(() => undefined);
  for (let attempt = 0; attempt < 10 && (await dumpIsRunning(place)); attempt += 1) {
    if (!(await giveVerdict(place.folder, 'die'))) await cut();
    await waitJob(dumpJob(place), { signal: AbortSignal.timeout(500) }).catch(() => undefined);
  }
  if (!(await dumpIsRunning(place))) return;
  context.log.error({ migration: journal.migration }, 'criu hangs and is killed; the workload may not survive it');
  await killJob(dumpJob(place));
}

/** The target's half: destroys a copy that never ran, is lost, or has been superseded, and attests it. */
export async function abortTarget(
  context: AgentContext,
  journal: TargetJournal,
  { sourceRuns }: Pick<VerbRequest<'abort'>, 'sourceRuns'>,
): Promise<VerbResult<'abort'>> {
  await destroyCopy(context, journal, { evenRunning: sourceRuns === true });
  await context.host.target.withdraw(journal);
  return { running: false, attestation: 'destroyed' };
}
