import type { Verb, VerbRequest, VerbResult } from '../../lib/contract/agent.ts';
import { GodwitError } from '../../lib/errors.ts';
import type { Upload } from '../files/data-server.ts';
import { abortSource, abortTarget } from './abort.ts';
import type { AgentContext } from './context.ts';
import type { Journal, SourceJournal, TargetJournal } from './journal.ts';
import { startAnew } from './lost.ts';
import { sourceVerbs } from './source.ts';
import { cleanUp, statusOf } from './status.ts';
import { targetVerbs } from './target.ts';
import { createTurns } from './turns.ts';

export interface AgentService {
  /** Answers one request; also used by the agent itself when a deadline passes. */
  ask<V extends Verb>(verb: V, request: VerbRequest<V>): Promise<VerbResult<V>>;
  upload(upload: Upload): Promise<void>;
}

type Asked = Exclude<Verb, 'status'>;

/** For what no driver has asked for yet. */
const aheadMs = 600_000;

/** The driver, which may be in this process, asks for `run` first: starting programs holds a process up. */
const driverFirstMs = 5;

/** The verbs of one node: fenced by epoch and term, one at a time per migration, except that `abort` interrupts. */
export function createAgent(context: AgentContext): AgentService {
  const turns = createTurns();
  const ahead = new Map<string, { verb: Asked; done: Promise<unknown> }>();

  const perform = <V extends Asked>(verb: V, request: VerbRequest<V>): Promise<VerbResult<V>> =>
    turns.take(request.migration, async (interrupted) => {
      const signal = AbortSignal.any([interrupted, AbortSignal.timeout(timeLeft(context, request))]);
      try {
        const journal = await fencedJournal(context, verb, request);
        return (await execute(context, verb, request, journal, signal)) as VerbResult<V>;
      } catch (error) {
        throw signal.aborted ? givenUp(verb, error) : error;
      }
    });

  /** Begins what the driver will ask for next: its question then costs the frozen workload nothing. */
  const goAhead = <V extends Asked>(verb: V, request: VerbRequest<V>): void => {
    const { migration } = request;
    const started = context.clock.monotonic();
    const done = perform(verb, request);
    const tell = (outcome: string, error?: unknown): void => {
      ahead.delete(migration);
      context.log.info({ verb, migration, durationMs: context.clock.monotonic() - started, err: error }, outcome);
    };
    ahead.set(migration, { verb, done });
    done.then(
      () => tell('done ahead'),
      (error: unknown) => tell('not done ahead', error),
    );
  };

  /** Waits for what was begun ahead; the driver that asks is known from now on, also while that lasts. */
  const join = async <V extends Asked>(verb: V, request: VerbRequest<V>, done: Promise<unknown>): Promise<unknown> => {
    await fencedJournal(context, verb, request);
    const late = AbortSignal.timeout(timeLeft(context, request));
    const timeout = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(givenUp(verb, late.reason)), { once: true });
    });
    return Promise.race([done, timeout]);
  };

  const ask = async <V extends Verb>(verb: V, request: VerbRequest<V>): Promise<VerbResult<V>> => {
    const { migration } = request;
    if (verb === 'status') return (await statusOf(context, context.journals.get(migration))) as VerbResult<V>;
    if (verb === 'abort') {
      refuseStale(context.journals.get(migration), request as VerbRequest<'abort'>);
      turns.interrupt(migration, new GodwitError('E_CANCELLED', 'aborted'));
    }
    const begun = ahead.get(migration);
    if (begun?.verb === verb)
      return (await join(begun.verb, request as VerbRequest<Asked>, begun.done)) as VerbResult<V>;
    const result = await perform(verb as Asked, request as VerbRequest<Asked>);
    if (verb === 'freeze') {
      const { receive, abortAt, ...header } = request as VerbRequest<'freeze'>;
      goAhead('dump', { ...header, receive, deadlineAt: abortAt });
    }
    if (verb === 'commit' && context.address.findsTaker) {
      const deadlineAt = context.clock.now() + aheadMs;
      void context.clock
        .sleep(driverFirstMs)
        .then(() => goAhead('switch', { ...(request as VerbRequest<'commit'>), deadlineAt }));
    }
    return result as VerbResult<V>;
  };

  const upload = async (given: Upload): Promise<void> => {
    const journal = context.journals.get(given.migration);
    if (journal?.role !== 'target')
      throw new GodwitError('E_STALE', `migration ${given.migration} is not expected here`);
    const complete = await targetVerbs(context).take(journal, given);
    const { migration, epoch, term } = journal;
    if (complete) goAhead('restore', { migration, epoch, term, deadlineAt: context.clock.now() + aheadMs });
  };
  return { ask, upload };
}

function timeLeft({ clock }: AgentContext, { deadlineAt }: { deadlineAt: number }): number {
  return Math.max(1, deadlineAt - clock.now());
}

function givenUp(verb: Verb, cause: unknown): unknown {
  if (cause instanceof GodwitError) return cause;
  return new GodwitError('E_TIMEOUT', `${verb} was given up: ${String(cause)}`, { cause });
}

function refuseStale(journal: Journal | undefined, request: { epoch: number; term: number }): void {
  if (!journal) return;
  if (request.epoch !== journal.epoch)
    throw new GodwitError('E_STALE', `epoch ${request.epoch} does not own this migration`);
  if (request.term < journal.term)
    throw new GodwitError('E_STALE', `term ${request.term} is over: ${journal.term} was seen`);
}

/** The migration's journal after the fence: a lower epoch or term does nothing here. @throws E_STALE */
async function fencedJournal<V extends Asked>(
  context: AgentContext,
  verb: V,
  request: VerbRequest<V>,
): Promise<Journal | undefined> {
  const known = context.journals.get(request.migration);
  refuseStale(known, request);
  if (known) {
    if (request.term > known.term) {
      known.term = request.term;
      await context.journals.save(known);
    }
    return known;
  }
  await context.journals.passFence(request.epoch);
  const created = newJournal(context, verb, request);
  if (created) await context.journals.save(created);
  return created;
}

function newJournal<V extends Asked>(context: AgentContext, verb: V, request: VerbRequest<V>): Journal | undefined {
  const common = {
    migration: request.migration,
    epoch: request.epoch,
    term: request.term,
    ended: false,
    updatedAt: context.clock.now(),
  };
  if (verb === 'prepare') {
    const { workload } = request as VerbRequest<'prepare'>;
    const flags = { filesPushed: false, attested: false, switched: false, released: false };
    return { ...common, role: 'source', workload, ...flags };
  }
  if (verb === 'receive') {
    const { spec, strategy, source, memoryBytes } = request as VerbRequest<'receive'>;
    const flags = { arrived: [], lazy: false, committed: false, lost: false, destroyed: false, boot: context.boot };
    return { ...common, role: 'target', workload: spec.name, strategy, source, spec, memoryBytes, ...flags };
  }
  if (verb === 'abort') return { ...common, role: 'void', workload: 'unknown', ended: true };
  return undefined;
}

async function execute<V extends Asked>(
  context: AgentContext,
  verb: V,
  request: VerbRequest<V>,
  journal: Journal | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const source = sourceVerbs(context);
  const target = targetVerbs(context);
  const asSource = (): SourceJournal => requireRole(journal, 'source');
  const asTarget = (): TargetJournal => requireRole(journal, 'target');
  const table: Record<Asked, () => Promise<unknown>> = {
    prepare: () => source.prepare(asSource(), request as VerbRequest<'prepare'>),
    receive: () => target.receive(asTarget(), request as VerbRequest<'receive'>, { signal }),
    freeze: () => source.freeze(asSource(), request as VerbRequest<'freeze'>, { signal }),
    dump: () => source.dump(asSource(), request as VerbRequest<'dump'>, { signal }),
    restore: () => target.restore(asTarget(), { signal }),
    commit: () => source.commit(asSource()),
    run: () =>
      (request as VerbRequest<'run'>).anew ? startAnew(context, asTarget()) : target.run(asTarget(), { signal }),
    switch: () => source.switch(asSource()),
    release: () => source.release(asSource()),
    abort: () => abort(context, journal, request as VerbRequest<'abort'>),
    clean: async () => {
      if (journal && journal.role !== 'void') await cleanUp(context, journal);
      return { cleaned: true };
    },
  };
  return table[verb]();
}

async function abort(
  context: AgentContext,
  journal: Journal | undefined,
  request: VerbRequest<'abort'>,
): Promise<VerbResult<'abort'>> {
  // nothing was begun here: nothing runs because of this migration, and the journal just made keeps it so
  if (!journal || journal.role === 'void') return { running: false, attestation: 'destroyed' };
  return journal.role === 'source' ? abortSource(context, journal, request) : abortTarget(context, journal, request);
}

function requireRole<R extends Journal['role']>(journal: Journal | undefined, role: R): Extract<Journal, { role: R }> {
  if (journal?.role !== role) throw new GodwitError('E_STALE', `this node is not the ${role} of this migration`);
  return journal as Extract<Journal, { role: R }>;
}
