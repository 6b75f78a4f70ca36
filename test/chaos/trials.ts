import { randomBytes } from 'node:crypto';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { labServices, labStart } from '../../lab/lab.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import type { Command, MigrationEvent } from '../../lib/contract/migration.ts';
import { migrateRequestSubject } from '../../lib/subjects.ts';
import type { TestFleet } from '../helpers/fleet.ts';
import { twinsIn, watchBeats } from '../helpers/fleet-beats.ts';
import { endOf, move, type Self, sagaOf, selfOf, type Workload } from '../helpers/fleet-moves.ts';
import { commandOf, killService, serviceOf, signalService } from '../helpers/fleet-services.ts';
import { until } from '../helpers/until.ts';
import { askAgent, expectRefusal, sendCommand } from './commands.ts';
import { atHome, type Outcome, players, settled } from './play.ts';

/** A fault that no point of a migration has: of those who command, not of those who carry out. */
export interface Trial {
  fault: string;
  play(fleet: TestFleet): Promise<Outcome>;
}

const freshCommand = (epoch: number, given: Partial<Command> = {}): Command => {
  const id = `m-${randomBytes(8).toString('hex')}`;
  const at = Date.now();
  return {
    id,
    workload: 'load',
    source: players.source,
    target: players.target,
    strategy: 'warm',
    trigger: 'manual',
    decision: id.replace('m-', 'd-'),
    epoch,
    issuedAt: at,
    expiresAt: at + 60_000,
    ...given,
  };
};

/** The term of the decider that leads. */
async function epochOf(fleet: TestFleet): Promise<number> {
  const leases = await new Kvm(jetstream(fleet.operator, viaHub())).open('leases');
  return (await leases.get('decider'))?.json<{ epoch: number }>().epoch ?? 0;
}

/** Whatever `provoke` does, the workload stays what and where it is, and is never stopped. */
async function unmoved(
  fleet: TestFleet,
  provoke: (workload: Workload) => Promise<MigrationEvent | undefined>,
): Promise<Outcome> {
  const workload = await atHome(fleet);
  const before = await selfOf(workload);
  const watch = watchBeats(fleet.workers, workload.name);
  try {
    const from = Date.now();
    const end = await provoke(workload);
    const after = await settled(fleet, workload, players.source);
    const beats = await until('life signs until now', 5000, () => {
      const seen = watch.since(from);
      return (seen.at(-1)?.at ?? 0) > Date.now() - 500 ? seen : undefined;
    });
    const faults = twinsIn(watch.beats);
    const pause = Math.max(...beats.map(({ at }, index) => at - (beats[index - 1]?.at ?? at)));
    if (after.nonce !== before.nonce) faults.push('another process answers');
    if (pause > 2000) faults.push(`it stood still for ${pause} ms`);
    if (end && end.result !== 'refused') faults.push(`it ended ${end.result}: ${end.reason}`);
    if (faults.length > 0) throw new Error(faults.join('; '));
    const { reason } = end ?? {};
    return {
      result: 'refused',
      ...(reason !== undefined && { reason }),
      totalMs: Date.now() - from,
      terms: 1,
      sameProcess: true,
    };
  } finally {
    await watch.stop();
  }
}

/** A command that is no good ends in an event that says why. */
async function refusal(fleet: TestFleet, command: Command, why: RegExp): Promise<MigrationEvent> {
  await sendCommand(fleet, 'plant', command);
  const end = await endOf(fleet, command.id, 30_000);
  if (!why.test(end.reason ?? '')) throw new Error(`expected ${why}, got ${end.reason}`);
  return end;
}

const late: Trial = {
  fault: 'command delivered past its deadline',
  play: (fleet) =>
    unmoved(fleet, async () => {
      const at = Date.now() - 61_000;
      const command = freshCommand(await epochOf(fleet), { issuedAt: at, expiresAt: at + 60_000 });
      return refusal(fleet, command, /^the command expired \d+ ms ago$/);
    }),
};

const strayTargets: Trial = {
  fault: 'command for a node that nobody knows',
  play: (fleet) =>
    unmoved(fleet, async () => {
      const command = freshCommand(await epochOf(fleet), { target: 'cloud-9' });
      return refusal(fleet, command, /^no node of the name cloud-9 has joined$/);
    }),
};

/** What a driver said long ago arrives now, after the migration has ended: at its source and at its target. */
const lateVerbs: Trial = {
  fault: 'verbs of an ended migration, of an old term, of an old epoch',
  play: async (fleet) => {
    await atHome(fleet);
    await secondTerm(fleet);
    const there = await move(fleet, { workload: 'load', target: players.target, strategy: 'warm' });
    const home = await move(fleet, { workload: 'load', target: players.source, strategy: 'warm' });
    return unmoved(fleet, async () => {
      const { epoch, term } = home;
      const soon = { deadlineAt: Date.now() + 10_000 };
      const verbs = { ...soon, migration: home.id, epoch, term };
      const reason = 'late';
      // the copy at home is the target's: it runs and stays
      expectRefusal(await askAgent(fleet, players.source, 'abort', { ...verbs, reason }), 'E_RECORD');
      expectRefusal(await askAgent(fleet, players.source, 'abort', { ...verbs, epoch: epoch + 1, reason }), 'E_STALE');
      expectRefusal(await askAgent(fleet, players.source, 'abort', { ...verbs, term: 0, reason }), 'E_INPUT');
      // the source of the way there has none to stop or to end any more
      const past = { ...soon, migration: there.id, epoch: there.epoch, term: there.term };
      const again = await askAgent(fleet, players.source, 'release', past);
      if (!again.ok) throw new Error(`a repeated release: ${again.error.message}`);
      const strategy = 'warm';
      const receive = { data: { address: '127.0.0.1', port: 1 } };
      const freeze = { ...past, strategy, receive, target: players.target, abortAt: Date.now() + 60_000 };
      expectRefusal(await askAgent(fleet, players.source, 'freeze', freeze), 'E_RECORD');
      const old = { ...soon, migration: 'm-0123456789abcdef', epoch: epoch - 1, term: 1 };
      const prepare = { ...old, workload: 'load', strategy };
      expectRefusal(await askAgent(fleet, players.source, 'prepare', prepare), 'E_STALE');
      return undefined;
    });
  },
};

/** There is an older term than that of the leader. */
async function secondTerm(fleet: TestFleet): Promise<void> {
  if ((await epochOf(fleet)) > 1) return;
  await killService(fleet, 'hub', 'decider');
  await until('another term', 30_000, async () => (await epochOf(fleet)) > 1 || undefined);
}

/** How many answer one request for a move that is not to be carried out. */
async function answers(fleet: TestFleet): Promise<number> {
  const wish = JSON.stringify({ workload: 'load', dryRun: true });
  const replies = await fleet.operator.requestMany(migrateRequestSubject, wish, { strategy: 'timer', maxWait: 1000 });
  let count = 0;
  for await (const _ of replies) count += 1;
  return count;
}

const twoDeciders: Trial = {
  fault: 'two deciders, the leader stands still and comes back',
  play: async (fleet) => {
    const workload = await atHome(fleet);
    const before: Self = await selfOf(workload);
    const from = Date.now();
    const watch = watchBeats(fleet.workers, workload.name);
    const hub = fleet.node('hub');
    const first = await serviceOf(hub, 'decider');
    const second = await labStart(fleet.name, 'hub', await commandOf(hub, 'decider'), { name: 'decider-2' });
    const signal = (pid: number | undefined, name: string): Promise<string> =>
      fleet.exec('hub', ['kill', `-${name}`, String(pid)]);
    try {
      const old = await epochOf(fleet);
      await signalService(fleet, 'hub', 'decider', 'STOP');
      await until('the second to lead', 30_000, async () => (await epochOf(fleet)) > old || undefined);
      const end = await move(fleet, { workload: workload.name, target: players.target, strategy: 'warm' });
      await signal(first?.pid, 'CONT');
      if (end.result !== 'succeeded' || end.epoch <= old) throw new Error(`${end.result} in epoch ${end.epoch}`);
      // all that was asked while it stood still reaches the first one now; none of it counts
      await until('exactly one to answer', 15_000, async () => (await answers(fleet)) === 1 || undefined);
      const stale = freshCommand(old, { source: players.target, target: players.source });
      const refused = await refusal(
        fleet,
        stale,
        /^the command is of epoch \d+, commands of epoch \d+ have been seen$/,
      );
      const after = await settled(fleet, workload, players.target);
      const started = fleet.story.events.filter(({ at, stage }) => at >= from && stage === 'prepare');
      const faults = twinsIn(watch.beats);
      if (after.nonce !== before.nonce) faults.push('another process answers');
      if (started.some(({ id }) => id !== end.id)) faults.push('more than one migration was started');
      const saga = await sagaOf(fleet, refused.id);
      if (saga?.result !== 'refused') faults.push(`the stale command ended ${saga?.result}`);
      if (faults.length > 0) throw new Error(faults.join('; '));
      return { result: 'succeeded', totalMs: Date.now() - from, terms: end.term, sameProcess: true };
    } finally {
      await watch.stop();
      await signal(first?.pid, 'CONT').catch(() => undefined);
      await signal(second.innerPid, 'TERM');
      await until('the second to end', 10_000, async () => {
        const running = await labServices(fleet.name, 'hub');
        return !running.some(({ pid, running }) => pid === second.pid && running) || undefined;
      });
    }
  },
};

export const trials: readonly Trial[] = [twoDeciders, late, strayTargets, lateVerbs];
