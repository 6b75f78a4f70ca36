import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerbRequest, VerbResult, WorkloadSpec } from '../../lib/contract/agent.ts';
import type { Strategy } from '../../lib/contract/names.ts';
import { GodwitError } from '../../lib/errors.ts';
import { dumpHasBegun, finishDump, letDumpGo, type PagesTo, prepareDump, startDump } from '../engine/engine.ts';
import { type FilesFolder, packFolder } from '../files/archive.ts';
import type { PushTarget } from '../files/data-client.ts';
import { findImage } from '../workloads/images.ts';
import { type AgentContext, placeOf, type VerbOptions } from './context.ts';
import type { SourceJournal } from './journal.ts';
import { prepareSource } from './prepare.ts';
import { offerShared, sharedImages } from './shared-folder.ts';

const stopGraceMs = 10_000;

/** The agent as the source of a migration: it keeps the commit record and is its arbiter. */
export interface SourceVerbs {
  prepare(journal: SourceJournal, request: VerbRequest<'prepare'>): Promise<VerbResult<'prepare'>>;
  freeze(journal: SourceJournal, request: VerbRequest<'freeze'>, options: VerbOptions): Promise<VerbResult<'freeze'>>;
  dump(journal: SourceJournal, request: VerbRequest<'dump'>, options: VerbOptions): Promise<VerbResult<'dump'>>;
  commit(journal: SourceJournal): Promise<VerbResult<'commit'>>;
  switch(journal: SourceJournal): Promise<VerbResult<'switch'>>;
  release(journal: SourceJournal): Promise<VerbResult<'release'>>;
}

export function sourceVerbs(context: AgentContext): SourceVerbs {
  return {
    prepare: async (journal, request) => {
      if (!journal.prepared) {
        const prepared = await prepareSource(context, request.workload, request.strategy);
        const byPages = prepared.strategy === 'warm' && !prepared.spec.checkpoint;
        const shared = byPages && (await offerShared(context, journal.migration));
        journal.prepared = { ...prepared, ...(shared && { shared }) };
        journal.strategy = prepared.strategy;
        const container = await context.host.find(request.workload);
        const pod = container && (await context.host.pin(container));
        if (pod) journal.pod = pod;
        await context.journals.save(journal);
      }
      return journal.prepared;
    },
    freeze: (journal, request, options) => freezeWorkload(context, journal, request, options),
    dump: (journal, request, options) => dumpWorkload(context, journal, request, options),
    commit: (journal) => commit(context, journal),
    switch: (journal) => switchAway(context, journal),
    release: (journal) => release(context, journal),
  };
}

function requirePrepared(journal: SourceJournal): { spec: WorkloadSpec; strategy: Strategy } {
  if (!journal.prepared) throw new GodwitError('E_STALE', 'this migration was never prepared here');
  return journal.prepared;
}

/**
 * Starts the dump, held, while the workload runs; opens the record on the disk; then stops the workload: from here on a restart of this
 * agent knows what to undo.
 */
async function freezeWorkload(
  context: AgentContext,
  journal: SourceJournal,
  request: VerbRequest<'freeze'>,
  options: VerbOptions,
): Promise<VerbResult<'freeze'>> {
  if (journal.record === 'aborted') throw new GodwitError('E_RECORD', `already aborted: ${journal.reason ?? ''}`);
  if (journal.record === 'committed') throw new GodwitError('E_RECORD', 'already committed');
  const { spec, strategy } = requirePrepared(journal);
  const place = placeOf(context, journal.migration);
  if (journal.record === undefined) {
    journal.target = request.target;
    journal.pages = request.receive.pages;
    journal.podAddress = request.receive.podAddress;
    await pushBeforeFreeze(context, journal, request, options);
    const running = await context.host.copyOf(journal);
    if (strategy === 'warm' && !spec.checkpoint)
      await startDump(place, running?.id ?? spec.name, pagesTo(request), context.engine, options);
    options.signal.throwIfAborted();
    await context.host.source.guard(journal);
    journal.record = 'open';
    journal.abortAt = request.abortAt;
    journal.frozenAt = context.clock.now();
    await context.journals.save(journal);
    journal.frozenAt = context.clock.now();
  }
  const container = await context.host.copyOf(journal);
  if (strategy !== 'cold' && !container?.alive)
    throw new GodwitError('E_PREFLIGHT', `${spec.name} no longer runs here`);
  if (container && strategy === 'cold') await context.host.source.stop(container, stopGraceMs);
  // asked again while CRIU works: it has thawed what it holds by ptrace, and freezes it at its end
  if (container && strategy !== 'cold' && !(await dumpHasBegun(place)))
    await context.host.source.freeze(container, journal);
  return { frozenAt: journal.frozenAt ?? context.clock.now() };
}

/** Image and written files go ahead while the workload still runs; inside the freeze only what changed since has to follow. */
async function pushBeforeFreeze(
  context: AgentContext,
  journal: SourceJournal,
  request: VerbRequest<'freeze'>,
  options: VerbOptions,
): Promise<void> {
  const { spec, strategy } = requirePrepared(journal);
  const place = placeOf(context, journal.migration);
  const shared = request.receive.shared ? sharedImages(context, journal.migration) : undefined;
  const byImage = strategy === 'warm' && spec.checkpoint !== undefined;
  if (strategy === 'warm' && !byImage) await prepareDump(place, context.engine, shared);
  else await mkdir(place.folder, { recursive: true, mode: 0o700 });
  const target = pushTarget(journal, request.target, request.receive);
  if (request.receive.missingImage) {
    const image = await findImage(context.paths, request.receive.missingImage);
    if (!image)
      throw new GodwitError('E_PREFLIGHT', `image ${request.receive.missingImage} is not on this node either`);
    await context.data.push(target, 'image', () => packFolder(image), options);
  }
  // an image holds the files
  if (strategy === 'restart' || byImage || journal.filesPushed) return;
  const { folder, within } = await filesFolder(context, journal, spec);
  const files = { snapshot: join(place.folder, 'files'), level: 0, within } as const;
  await context.data.push(target, 'files-0', () => packFolder(folder, files), options);
  journal.filesPushed = true;
}

/** To the target's page server, unless both nodes see one folder. */
const pagesTo = ({ target, receive: { pages, shared } }: VerbRequest<'freeze'>): PagesTo =>
  pages && !shared ? { node: target, ...pages } : undefined;

function pushTarget(journal: SourceJournal, node: string, receive: VerbRequest<'freeze'>['receive']): PushTarget {
  return { node, address: receive.data.address, port: receive.data.port, migration: journal.migration };
}

async function filesFolder(context: AgentContext, journal: SourceJournal, spec: WorkloadSpec): Promise<FilesFolder> {
  return context.host.filesOf(spec, { container: await context.host.copyOf(journal), pod: journal.pod });
}

async function dumpWorkload(
  context: AgentContext,
  journal: SourceJournal,
  request: VerbRequest<'dump'>,
  options: VerbOptions,
): Promise<VerbResult<'dump'>> {
  if (journal.record !== 'open') throw new GodwitError('E_RECORD', `record is ${journal.record ?? 'not open yet'}`);
  if (journal.dumped) return journal.dumped;
  const { spec, strategy } = requirePrepared(journal);
  const place = placeOf(context, journal.migration);
  const target = pushTarget(journal, journal.target ?? '', request.receive);
  const started = context.clock.monotonic();
  const memory = async (): Promise<number> => {
    if (strategy !== 'warm') return 0;
    if (spec.checkpoint) {
      await context.host.source.checkpoint(journal, options);
      return journal.prepared?.memoryBytes ?? 0;
    }
    const dump = () => finishDump(place, spec.name, options);
    const dumped = async () => {
      await dump();
      return packFolder(place.images);
    };
    if (request.receive.shared) await dump();
    else await context.data.push(target, 'images', dumped, options);
    return journal.prepared?.memoryBytes ?? 0;
  };
  const files = async (): Promise<number> => {
    if (strategy === 'restart' || (strategy === 'warm' && spec.checkpoint)) return 0;
    const { folder, within } = await filesFolder(context, journal, spec);
    const changed = { snapshot: join(place.folder, 'files'), level: 1, within } as const;
    return context.data.push(target, 'files-1', () => packFolder(folder, changed), options);
  };
  // told first: starting a program holds this process up
  if (strategy === 'warm' && !spec.checkpoint) await letDumpGo(place);
  const [memoryBytes, filesBytes] = await Promise.all([memory(), files()]);
  journal.dumped = { memoryBytes, filesBytes, dumpMs: context.clock.monotonic() - started };
  return journal.dumped;
}

/** Turns the record, once and for ever; the answer leaves only after it is on the disk. */
async function commit(context: AgentContext, journal: SourceJournal): Promise<VerbResult<'commit'>> {
  if (journal.record === undefined)
    throw new GodwitError('E_RECORD', 'nothing was stopped here, nothing can be committed');
  if (journal.record === 'open') {
    journal.record = 'committed';
    await context.journals.save(journal);
  }
  return { record: journal.record };
}

function requireCommitted(journal: SourceJournal): void {
  if (journal.record !== 'committed' || journal.attested)
    throw new GodwitError('E_RECORD', `the source may not go: record is ${journal.record ?? 'absent'}`);
}

/** The target runs: waiting clients are sent on to it. */
async function switchAway(context: AgentContext, journal: SourceJournal): Promise<VerbResult<'switch'>> {
  requireCommitted(journal);
  const { spec } = requirePrepared(journal);
  if (!journal.switched) journal.switched = await context.host.source.switchAway(journal, spec);
  return { switched: true };
}

async function release(context: AgentContext, journal: SourceJournal): Promise<VerbResult<'release'>> {
  requireCommitted(journal);
  const { spec } = requirePrepared(journal);
  if (!journal.released) {
    await switchAway(context, journal);
    await context.host.source.end(journal, spec);
    journal.released = true;
    await context.journals.save(journal);
  }
  return { released: true };
}
