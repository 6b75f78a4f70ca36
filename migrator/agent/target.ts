import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { VerbRequest, VerbResult } from '../../lib/contract/agent.ts';
import { GodwitError } from '../../lib/errors.ts';
import { readContainer } from '../engine/container.ts';
import { refuseLesserCpu } from '../engine/cpu.ts';
import {
  drainJob,
  pagesArrived,
  pagesJob,
  preparePages,
  prepareRestore,
  restoreEnded,
  restoreHeld,
  restoreJob,
} from '../engine/engine.ts';
import { giveVerdict } from '../engine/hold.ts';
import { jobEndedAt, jobState, killJob, waitJob } from '../engine/job.ts';
import { unpackInto } from '../files/archive.ts';
import type { Upload } from '../files/data-server.ts';
import { workloadFolders } from '../paths.ts';
import { mountRootfs } from '../workloads/bundle.ts';
import { createContainer, killCopy, prepareCopy, removeWorkload, startCreated } from '../workloads/container.ts';
import { findImage, receiveImage } from '../workloads/images.ts';
import { logPipe } from '../workloads/log.ts';
import { type Managed, readManaged, writeManaged } from '../workloads/store.ts';
import { type AgentContext, placeOf, type VerbOptions } from './context.ts';
import type { TargetJournal } from './journal.ts';
import { refuseFull, refuseOccupied } from './room.ts';
import { seesShared, sharedImages } from './shared-folder.ts';

/** Above this size a restore from the target's own tmpfs on demand is faster than one that reads everything first. */
const lazyFromBytes = 96 << 20;

/** The agent as the target of a migration: prepares, restores held, and lets go only with `committed` in hand. */
export interface TargetVerbs {
  receive(journal: TargetJournal, request: VerbRequest<'receive'>): Promise<VerbResult<'receive'>>;
  /** True when with this upload all that a restore needs is here. */
  take(journal: TargetJournal, upload: Upload): Promise<boolean>;
  restore(journal: TargetJournal, options: VerbOptions): Promise<VerbResult<'restore'>>;
  run(journal: TargetJournal, options: VerbOptions): Promise<VerbResult<'run'>>;
}

export function targetVerbs(context: AgentContext): TargetVerbs {
  return {
    receive: (journal, request) => receive(context, journal, request),
    take: (journal, upload) => take(context, journal, upload),
    restore: (journal, options) => restore(context, journal, options),
    run: (journal, options) => run(context, journal, options),
  };
}

/** A short name for this copy; unique among the copies of the workload, because a cgroup must never be shared. */
export const copyName = (migration: string): string => migration.slice(-12).toLowerCase();

async function managedOf(context: AgentContext, journal: TargetJournal): Promise<Managed> {
  const managed = await readManaged(context.paths, journal.workload);
  if (!managed) throw new GodwitError('E_STALE', `${journal.workload} was never prepared here`);
  return managed;
}

async function receive(
  context: AgentContext,
  journal: TargetJournal,
  request: VerbRequest<'receive'>,
): Promise<VerbResult<'receive'>> {
  if (journal.receive) return journal.receive;
  await refuseOccupied(context, request.spec.name);
  await refuseFull(context, request);
  if (request.spec.cpu) await refuseLesserCpu(request.spec.cpu, context.config.name, context.exec);
  const image = request.spec.image === 'unmanaged' ? '' : await findImage(context.paths, request.spec.image);
  const managed: Managed = { spec: request.spec, state: 'inbound', image: image ?? '' };
  await writeManaged(context.paths, managed);
  const { bundle, upper, rootfs } = workloadFolders(context.paths, request.spec.name);
  for (const folder of [bundle, upper, rootfs]) await mkdir(folder, { recursive: true, mode: 0o755 });
  await prepareCopy(managed, copyName(journal.migration), context);
  const { address } = context.config;
  journal.receive = {
    data: { address, port: context.config.data.port },
    ...(request.strategy === 'warm' && (await preparePlace(context, journal, request))),
    ...(image === undefined && { missingImage: request.spec.image }),
  };
  await context.journals.save(journal);
  return journal.receive;
}

/** Gets ready for the checkpoint: by the shared folder where both see one, else by a page server. */
async function preparePlace(
  context: AgentContext,
  journal: TargetJournal,
  { shared, source }: VerbRequest<'receive'>,
): Promise<Pick<VerbResult<'receive'>, 'pages' | 'shared'>> {
  const place = placeOf(context, journal.migration);
  if (shared && (await seesShared(context, journal.migration))) {
    await prepareRestore(place, context.engine, sharedImages(context, journal.migration));
    return { shared: true };
  }
  const { address, data } = context.config;
  const port = await preparePages(place, { ports: data.pagesPorts, source }, context.engine);
  return { pages: { address, port } };
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

async function unpack(context: AgentContext, journal: TargetJournal, upload: Upload): Promise<void> {
  const managed = await managedOf(context, journal);
  if (upload.kind === 'image') {
    await receiveImage(context.paths, journal.spec.image, upload.body);
    const image = (await findImage(context.paths, journal.spec.image)) ?? '';
    await writeManaged(context.paths, { ...managed, image });
    return;
  }
  const folders = workloadFolders(context.paths, journal.workload);
  const unmanaged = journal.spec.image === 'unmanaged';
  if (upload.kind === 'images')
    await unpackInto(placeOf(context, journal.migration).images, upload.body, { incremental: false });
  else await unpackInto(unmanaged ? folders.rootfs : folders.upper, upload.body, { incremental: true });
  if (upload.kind === 'files-1' && !unmanaged)
    await mountRootfs(context.paths, journal.workload, managed.image, context.exec);
}

async function restore(
  context: AgentContext,
  journal: TargetJournal,
  options: VerbOptions,
): Promise<VerbResult<'restore'>> {
  if (journal.heldAt !== undefined) return { heldAt: journal.heldAt, lazy: journal.lazy };
  if (journal.destroyed) throw new GodwitError('E_RECORD', 'the copy was destroyed');
  const managed = await managedOf(context, journal);
  if (journal.strategy === 'warm') await restoreWarm(context, journal, options);
  else if (!(await readContainer(context.paths.runcRoot, journal.workload)))
    await createContainer(managed, copyName(journal.migration), context);
  journal.heldAt = context.clock.now();
  return { heldAt: journal.heldAt, lazy: journal.lazy };
}

async function restoreWarm(context: AgentContext, journal: TargetJournal, options: VerbOptions): Promise<void> {
  const place = placeOf(context, journal.migration);
  if (!journal.receive?.shared) await pagesArrived(place, options);
  journal.lazy = journal.memoryBytes >= lazyFromBytes;
  const folders = workloadFolders(context.paths, journal.workload);
  const { lazy } = journal;
  const output = logPipe(folders.log);
  await restoreHeld(
    place,
    { container: journal.workload, bundle: folders.bundle, output, lazy, ...options },
    context.engine,
  );
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
  const { address } = journal.spec;
  const started = context.clock.monotonic();
  // told first: starting a program holds this process up
  if (journal.strategy === 'warm') await giveVerdict(placeOf(context, journal.migration).folder, 'run');
  // connections wait in the copy's own kernel queue until it runs
  const taking = address ? context.address.take(journal.workload, address) : Promise.resolve();
  const managed = await managedOf(context, journal);
  const noting = writeManaged(context.paths, { ...managed, state: 'running' });
  const [ran, ...others] = await Promise.allSettled([letGo(context, journal, started, options), taking, noting]);
  if (ran.status === 'rejected') throw ran.reason;
  for (const other of others) if (other.status === 'rejected') throw other.reason;
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
  else if (!(await hasRun(context, journal))) await startCreated(journal.workload, context);
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
  const told = await giveVerdict(place.folder, 'die');
  if (told) await waitJob(restoreJob(place), { signal: AbortSignal.timeout(3000) }).catch(() => 0);
  for (const job of [restoreJob(place), drainJob(place), pagesJob(place)]) await killJob(job);
  await killCopy(journal.workload, copyName(journal.migration), context);
  await removeWorkload(journal.workload, context);
  await rm(place.folder, { recursive: true, force: true });
  journal.destroyed = true;
  await context.journals.save(journal);
}

/** True when the copy was let go, also where the journal does not say so yet: an agent may have died between the two. */
async function hasRun(context: AgentContext, journal: TargetJournal): Promise<boolean> {
  if (journal.runningAt !== undefined) return true;
  if (!(await isAlive(context, journal))) return false;
  if (journal.strategy === 'warm') return (await jobState(restoreJob(placeOf(context, journal.migration))))?.code === 0;
  // runc keeps this file until a created container is started
  return !existsSync(join(context.paths.runcRoot, journal.workload, 'exec.fifo'));
}

export async function isAlive(context: AgentContext, journal: TargetJournal): Promise<boolean> {
  if (journal.boot !== context.boot) return false;
  return (await readContainer(context.paths.runcRoot, journal.workload))?.alive ?? false;
}
