import { rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { VerbRequest, VerbResult } from '../../lib/contract/agent.ts';
import { GodwitError } from '../../lib/errors.ts';
import { readContainer } from '../engine/container.ts';
import { refuseLesserCpu } from '../engine/cpu.ts';
import {
  drainJob,
  pagesArrived,
  pagesJob,
  prepareRestore,
  restoreEnded,
  restoreHeld,
  restoreJob,
  startPageServer,
} from '../engine/engine.ts';
import { giveVerdict } from '../engine/hold.ts';
import { jobEndedAt, jobState, killJob, waitJob } from '../engine/job.ts';
import { forbidImageRestore, imageRestoreHeld, prepareImageRestore } from '../engine/restore-hold.ts';
import { unpackInto } from '../files/archive.ts';
import type { Upload } from '../files/data-server.ts';
import { type AgentContext, placeOf, type VerbOptions } from './context.ts';
import type { TargetJournal } from './journal.ts';
import { refuseFull } from './room.ts';
import { seesShared, sharedImages } from './shared-folder.ts';

/** Above this size a restore from the target's own tmpfs on demand is faster than one that reads everything first. */
const lazyFromBytes = 96 << 20;

/** The agent as the target of a migration: prepares, restores held, and lets go only with `committed` in hand. */
export interface TargetVerbs {
  receive(
    journal: TargetJournal,
    request: VerbRequest<'receive'>,
    options: VerbOptions,
  ): Promise<VerbResult<'receive'>>;
  /** True when with this upload all that a restore needs is here. */
  take(journal: TargetJournal, upload: Upload): Promise<boolean>;
  restore(journal: TargetJournal, options: VerbOptions): Promise<VerbResult<'restore'>>;
  run(journal: TargetJournal, options: VerbOptions): Promise<VerbResult<'run'>>;
}

export function targetVerbs(context: AgentContext): TargetVerbs {
  return {
    receive: (journal, request, options) => receive(context, journal, request, options),
    take: (journal, upload) => take(context, journal, upload),
    restore: (journal, options) => restore(context, journal, options),
    run: (journal, options) => run(context, journal, options),
  };
}

async function receive(
  context: AgentContext,
  journal: TargetJournal,
  request: VerbRequest<'receive'>,
  options: VerbOptions,
): Promise<VerbResult<'receive'>> {
  if (journal.receive) return journal.receive;
  await refuseFull(context, request);
  if (request.spec.cpu) await refuseLesserCpu(request.spec.cpu, context.config.name, context.exec);
  const host = await context.host.target.receive(journal, request, options);
  const { address } = context.config;
  journal.receive = {
    data: { address, port: context.config.data.port },
    ...(request.strategy === 'warm' && (await preparePlace(context, journal, request))),
    ...host,
  };
  await context.journals.save(journal);
  return journal.receive;
}

/** Gets ready for the checkpoint: by the shared folder where both see one, else by a page server. */
async function preparePlace(
  context: AgentContext,
  journal: TargetJournal,
  { shared, source, spec }: VerbRequest<'receive'>,
): Promise<Pick<VerbResult<'receive'>, 'pages' | 'shared'>> {
  const place = placeOf(context, journal.migration);
  const { address, data } = context.config;
  const listen = async (form: 'dump' | 'archive'): Promise<Pick<VerbResult<'receive'>, 'pages'>> => {
    const port = await startPageServer(place, { ports: data.pagesPorts, source, form }, context.engine);
    return { pages: { address, port } };
  };
  if (spec.checkpoint) {
    await prepareImageRestore(place, context.exec);
    return listen('archive');
  }
  if (shared && (await seesShared(context, journal.migration))) {
    await prepareRestore(place, context.engine, sharedImages(context, journal.migration));
    return { shared: true };
  }
  await prepareRestore(place, context.engine);
  return listen('dump');
}

/** Takes what the source pushes: image, files, CRIU's metadata. */
async function take(context: AgentContext, journal: TargetJournal, upload: Upload): Promise<boolean> {
  if (upload.peer !== journal.source)
    throw new GodwitError('E_STALE', `${upload.peer} is not the source of this migration`);
  if (journal.destroyed || journal.committed) throw new GodwitError('E_STALE', 'this migration takes nothing more');
  const { kind } = upload;
  if (kind === 'image' || kind === 'files-0') {
    await unpack(context, journal, upload);
    return false;
  }
  // pushed again, it is the same, and a copy may stand on it by now
  if (journal.arrived.includes(kind)) await finished(upload.body.resume());
  else {
    await unpack(context, journal, upload);
    journal.arrived.push(kind);
  }
  return journal.strategy === 'warm' && journal.arrived.length === 2;
}

async function unpack(context: AgentContext, journal: TargetJournal, { kind, body }: Upload): Promise<void> {
  const { host, paths } = context;
  if (kind === 'image') return host.target.takeImage(journal, body);
  if (kind === 'images') return unpackInto(placeOf({ paths }, journal.migration).images, body, { incremental: false });
  const { folder, within } = await host.filesOf(journal.spec, { pod: journal.pod });
  await unpackInto(folder, body, { incremental: true, within });
  if (kind === 'files-1') await host.target.filesComplete(journal);
}

async function restore(
  context: AgentContext,
  journal: TargetJournal,
  options: VerbOptions,
): Promise<VerbResult<'restore'>> {
  if (journal.heldAt !== undefined) return { heldAt: journal.heldAt, lazy: journal.lazy };
  if (journal.destroyed) throw new GodwitError('E_RECORD', 'the copy was destroyed');
  if (journal.strategy === 'warm') await restoreWarm(context, journal, options);
  else await context.host.target.create(journal);
  journal.heldAt = context.clock.now();
  return { heldAt: journal.heldAt, lazy: journal.lazy };
}

async function restoreWarm(context: AgentContext, journal: TargetJournal, options: VerbOptions): Promise<void> {
  const place = placeOf(context, journal.migration);
  if (journal.spec.checkpoint) return restoreImage(context, journal, options);
  if (!journal.receive?.shared) await pagesArrived(place, options);
  journal.lazy = journal.memoryBytes >= lazyFromBytes;
  const { lazy, workload } = journal;
  await restoreHeld(place, { container: workload, lazy, ...options }, context.host.target.launch(journal, options));
}

/** Whoever asks for the move has the pod made; its kubelet and containerd do the rest. */
async function restoreImage(context: AgentContext, journal: TargetJournal, options: VerbOptions): Promise<void> {
  const id = await imageRestoreHeld(placeOf(context, journal.migration), options);
  const container = await readContainer(context.paths.runcRoot, id);
  const pod = container && (await context.host.pin(container));
  if (!pod) throw new GodwitError('E_RESTORE', `runc does not know the held container ${id}`);
  journal.pod = pod;
  await context.journals.save(journal);
}

/** Idempotent; the caller has checked that the record is `committed`. */
async function run(context: AgentContext, journal: TargetJournal, options: VerbOptions): Promise<VerbResult<'run'>> {
  if (journal.runningAt !== undefined)
    return { runningAt: journal.runningAt, drained: await isDrained(context, journal) };
  if (journal.destroyed) throw new GodwitError('E_RECORD', 'the copy was destroyed');
  if (journal.boot !== context.boot) throw new GodwitError('E_RECORD', 'the held copy is gone: the node was restarted');
  // an agent that was restarted finds its held copy again
  if (journal.heldAt === undefined) await restore(context, journal, options);
  journal.committed = true;
  const started = context.clock.monotonic();
  // told first: starting a program holds this process up
  if (journal.strategy === 'warm') await giveVerdict(placeOf(context, journal.migration).folder, 'run');
  const adopting = context.host.target.adopt(journal);
  const [ran, adopted] = await Promise.allSettled([letGo(context, journal, started, options), adopting]);
  if (ran.status === 'rejected') throw ran.reason;
  if (adopted.status === 'rejected') throw adopted.reason;
  // only now: a repeat answers at once, and must find nothing left to do
  journal.runningAt = ran.value;
  await context.journals.save(journal);
  return { runningAt: ran.value, drained: await isDrained(context, journal) };
}

/** Answers when it ran. Done again, it finds a copy that was let go before. */
async function letGo(
  context: AgentContext,
  journal: TargetJournal,
  started: number,
  options: VerbOptions,
): Promise<number> {
  if (journal.strategy === 'warm') await restoreEnded(placeOf(context, journal.migration), options);
  else await context.host.target.start(journal, options);
  const durationMs = context.clock.monotonic() - started;
  context.log.info({ migration: journal.migration, durationMs }, 'the copy runs');
  return context.clock.now();
}

/** True when every page of a lazily restored copy is in; notes the time, and `lost` when the page daemon died before. */
export async function isDrained(context: AgentContext, journal: TargetJournal): Promise<boolean> {
  if (!journal.lazy || journal.drainMs !== undefined) return true;
  const state = await jobState(drainJob(placeOf(context, journal.migration)));
  if (state?.running) return false;
  if (state?.code === 0) {
    const endedAt = await jobEndedAt(drainJob(placeOf(context, journal.migration)));
    journal.drainMs = Math.max(0, endedAt - (journal.runningAt ?? endedAt));
    await context.journals.save(journal);
    return true;
  }
  if (!journal.lost) {
    journal.lost = true;
    await context.journals.save(journal);
  }
  return false;
}

/** Destroys a copy that never ran, or is lost. @throws E_RECORD when it has run, or may have, unless it has to go all the same */
export async function destroyCopy(
  context: AgentContext,
  journal: TargetJournal,
  { evenRunning = false } = {},
): Promise<void> {
  if (journal.destroyed) return;
  if (!journal.lost && !evenRunning && (await hasRun(context, journal)))
    throw new GodwitError('E_RECORD', `${journal.workload} was committed and runs on ${context.config.name}`);
  const place = placeOf(context, journal.migration);
  if (journal.spec.checkpoint) await forbidImageRestore(place);
  const told = await giveVerdict(place.folder, 'die');
  if (told) await waitJob(restoreJob(place), { signal: AbortSignal.timeout(3000) }).catch(() => 0);
  for (const job of [restoreJob(place), drainJob(place), pagesJob(place)]) await killJob(job);
  await context.host.target.destroy(journal);
  await rm(place.folder, { recursive: true, force: true });
  journal.destroyed = true;
  await context.journals.save(journal);
}

/** True when the copy was let go, also where the journal does not say so yet: an agent may have died between the two. */
async function hasRun(context: AgentContext, journal: TargetJournal): Promise<boolean> {
  if (journal.runningAt !== undefined || (journal.letGo && journal.boot === context.boot)) return true;
  if (!(await isAlive(context, journal))) return false;
  if (journal.strategy === 'warm') return (await jobState(restoreJob(placeOf(context, journal.migration))))?.code === 0;
  return context.host.target.mayHaveStarted(journal);
}

export async function isAlive(context: AgentContext, journal: TargetJournal): Promise<boolean> {
  if (journal.boot !== context.boot) return false;
  return (await context.host.copyOf(journal))?.alive ?? false;
}
