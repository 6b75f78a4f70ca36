import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentReply, Verb } from '../../lib/contract/agent.ts';
import type { Command } from '../../lib/contract/migration.ts';
import { createDriverWorld, type DriverWorld } from '../helpers/driver-world.ts';
import type { Fault, ScriptedAgent } from '../helpers/scripted-agent.ts';

let world: DriverWorld;
beforeEach(async () => {
  world = await createDriverWorld({ skewMs: 5000 });
});
afterEach(() => world.close());

const stagesOf = async (id: string): Promise<string[]> => (await world.events(id)).map(({ stage }) => stage);
const copies = (): string => `${world.source.copy} ${world.target.copy}`;
const no = (code: string, message: string): AgentReply => ({ ok: false, at: Date.now(), error: { code, message } });
const termsOf = (agent: ScriptedAgent, verb: Verb): (number | undefined)[] =>
  agent.asked.filter((asked) => asked.verb === verb).map(({ request }) => request.term);
const agentOf = (verb: Verb): ScriptedAgent =>
  ['receive', 'restore', 'run'].includes(verb) ? world.cloud : world.edge;

/** The agent has heard `verb` and does it only once `release` is called. */
function hold(verb: Verb): { reached: Promise<void>; release: () => void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<undefined>();
  agentOf(verb).fault = (asked, count) => {
    if (asked !== verb || count > 1) return undefined;
    reached.resolve();
    return released.promise;
  };
  return { reached: reached.promise, release: () => released.resolve(undefined) };
}

const faultAt =
  (verb: Verb, fault: Fault, times = Number.POSITIVE_INFINITY) =>
  (asked: Verb, count: number): Fault =>
    asked === verb && count <= times ? fault : undefined;

describe('one driver', () => {
  beforeEach(async () => {
    await world.startDriver('cloud-1');
  });

  test('carries a migration through all its stages and measures the freeze although the clocks differ', async () => {
    await world.command('m1');
    const ended = await world.ended('m1');
    expect(ended).toMatchObject({ result: 'succeeded', term: 1 });
    expect(ended.reason).toBeUndefined();
    expect(ended.measurements?.freezeMs).toBeLessThan(1000);
    expect(ended.measurements?.totalMs).toBeGreaterThan(0);
    expect(await stagesOf('m1')).toEqual(
      'requested prepare freeze dump transfer restore commit run switch release clean ended'.split(' '),
    );
    expect(copies()).toBe('gone running');
    await world.idle();
    expect((await world.migrations.get('m1'))?.value).toMatchObject({ direction: 'ended', result: 'succeeded' });
  });

  test('brings its deadlines to the clock of the node', async () => {
    await world.command('m1');
    await world.ended('m1');
    const freeze = world.edge.asked.find(({ verb }) => verb === 'freeze')?.request;
    const restore = world.cloud.asked.find(({ verb }) => verb === 'restore')?.request;
    const state = (await world.migrations.get('m1'))?.value;
    expect((freeze?.abortAt ?? 0) - (state?.deadlineAt ?? 0)).toBeGreaterThan(4900);
    expect(restore?.deadlineAt ?? 0).toBeLessThanOrEqual((state?.deadlineAt ?? 0) + 100);
  });

  test('refuses what the preflight refuses, and stops nothing', async () => {
    world.edge.fault = faultAt('prepare', no('E_PREFLIGHT', 'the workload uses io_uring'));
    await world.command('m1');
    expect(await world.ended('m1')).toMatchObject({
      result: 'refused',
      reason: 'prepare at edge-1: the workload uses io_uring',
    });
    expect(world.source.turns).toEqual([]);
    expect(termsOf(world.edge, 'freeze')).toEqual([]);
  });

  test.each<[Verb, string]>([
    ['freeze', 'running none'],
    ['dump', 'running none'],
    ['restore', 'running none'],
  ])('rolls back when %s fails', async (verb, expected) => {
    agentOf(verb).fault = faultAt(verb, no('E_EXEC', 'criu: no'));
    await world.command('m1');
    const ended = await world.ended('m1');
    expect(ended.result).toBe('rolled-back');
    expect(ended.reason).toContain(`${verb} at`);
    expect(copies()).toBe(expected);
    expect(await stagesOf('m1')).toContain('aborting');
    await world.idle();
    expect([world.source.cleaned, world.target.cleaned]).toEqual([true, true]);
  });

  test('asks again when an answer is lost, and is not led back by it', async () => {
    world.edge.fault = (verb, count) => (verb === 'dump' && count === 1 ? 'mute' : undefined);
    await world.command('m1');
    expect((await world.ended('m1')).result).toBe('succeeded');
    expect(termsOf(world.edge, 'dump')).toEqual([1, 1]);
  });

  test('reports doubt at once when the answer to the commit is lost, and settles it by the record', async () => {
    world.edge.fault = faultAt('commit', 'mute', 2);
    await world.command('m1');
    const doubt = await world.until('doubt', async () =>
      (await world.events('m1')).find(({ stage }) => stage === 'in-doubt'),
    );
    expect(doubt.reason).toContain('both copies are stopped');
    expect(doubt.result).toBeUndefined();
    expect(copies()).toBe('frozen held');
    expect((await world.ended('m1')).result).toBe('succeeded');
    expect(world.source.turns).toEqual(['open', 'committed']);
  });

  test('takes the word of an agent that ran out of time for silence: the commit may be in force', async () => {
    world.edge.fault = faultAt('commit', no('E_TIMEOUT', 'commit was given up'), 1);
    await world.command('m1');
    expect((await world.ended('m1')).result).toBe('succeeded');
    expect(await stagesOf('m1')).toContain('in-doubt');
  });

  test('attests the target’s copy destroyed before the source runs again after the commit', async () => {
    const { reached, release } = hold('run');
    await world.command('m1');
    await reached;
    world.target.reboot();
    release();
    const ended = await world.ended('m1');
    expect(ended.result).toBe('rolled-back');
    expect(ended.reason).toContain('run at cloud-1: no held copy is here');
    expect(world.source).toMatchObject({ record: 'committed', attested: true, copy: 'running' });
    expect(await stagesOf('m1')).toEqual(expect.arrayContaining(['run', 'in-doubt', 'aborting']));
  });

  test('keeps the source until a lazily restored copy is whole', async () => {
    world.target.lazy = true;
    await world.command('m1');
    await world.until('polls', () => (world.target.copy === 'running' ? true : undefined));
    await world.until('drain', async () =>
      (await world.migrations.get('m1'))?.value.step === 'drain' ? true : undefined,
    );
    expect(world.source.copy).toBe('frozen');
    world.target.drained = true;
    expect(await world.ended('m1')).toMatchObject({ result: 'succeeded', measurements: { lazy: true, drainMs: 5 } });
  });

  test('says so when the pages are lost, and leaves the frozen original', async () => {
    world.target.lazy = true;
    await world.command('m1');
    await world.until('the copy runs', () => (world.target.copy === 'running' ? true : undefined));
    world.target.reboot();
    const ended = await world.ended('m1');
    expect(ended.result).toBe('lost');
    expect(ended.reason).toContain('godwit resolve m1');
    expect(world.source.copy).toBe('frozen');
    await world.idle();
    expect(termsOf(world.edge, 'clean')).toEqual([]);
  });

  test('goes on when the server is killed and comes back', async () => {
    const { reached, release } = hold('dump');
    await world.command('m1');
    await reached;
    await world.restartServer();
    release();
    expect((await world.ended('m1')).result).toBe('succeeded');
    await world.idle();
  });
});

describe('a command', () => {
  test.each<[string, Partial<Command>, string]>([
    ['that has expired', { expiresAt: Date.now() - 1000 }, 'expired'],
    ['for an unknown source', { source: 'edge-9' }, 'no node of the name edge-9 has joined'],
    ['for an unknown target', { target: 'cloud-9' }, 'no node of the name cloud-9 has joined'],
    ['from a node to itself', { target: 'edge-1' }, 'the same node'],
  ])('%s is refused with the reason', async (_, change, reason) => {
    await world.startDriver('cloud-1');
    await world.command('m1', change);
    const ended = await world.ended('m1');
    expect(ended.result).toBe('refused');
    expect(ended.reason).toContain(reason);
    expect([...world.edge.asked, ...world.cloud.asked]).toEqual([]);
    await world.idle();
  });

  test('of an older epoch than one seen is refused, also by another driver', async () => {
    const first = await world.startDriver('cloud-1');
    await world.command('m1', { epoch: 5 });
    await world.ended('m1');
    await world.idle();
    await first.kill();
    const before = world.edge.asked.length;
    await world.startDriver('edge-1');
    await world.command('m2', { epoch: 4 });
    const ended = await world.ended('m2');
    expect(ended).toMatchObject({ result: 'refused' });
    expect(ended.reason).toContain('epoch 4');
    expect(world.edge.asked.length).toBe(before);
  });

  test('that an agent calls stale is refused, for no other driver has it', async () => {
    world.edge.fault = faultAt('prepare', no('E_STALE', 'epoch 1 is over: this node has seen 2'));
    await world.startDriver('cloud-1');
    await world.command('m1');
    expect(await world.ended('m1')).toMatchObject({ result: 'refused', term: 1 });
    await world.idle();
  });

  test('delivered twice does nothing the second time, while it runs and after its end', async () => {
    const { reached, release } = hold('dump');
    await Promise.all([world.startDriver('cloud-1'), world.startDriver('edge-1')]);
    await world.command('m1');
    await reached;
    await world.command('m1', {}, 'again');
    await world.until('the repeat is finished', async () => ((await world.commandsLeft()) === 1 ? true : undefined));
    release();
    await world.ended('m1');
    await world.command('m1', {}, 'and again');
    await world.idle();
    expect((await stagesOf('m1')).filter((stage) => stage === 'ended')).toEqual(['ended']);
    expect(termsOf(world.edge, 'freeze')).toEqual([1]);
    expect((await world.migrations.get('m1'))?.value.term).toBe(1);
  });

  test('that does not parse is thrown away and stops nothing', async () => {
    await world.startDriver('cloud-1');
    await world.command('m0', { source: 'Edge One' });
    await world.command('m1');
    expect((await world.ended('m1')).result).toBe('succeeded');
    await world.idle();
    expect(await world.events('m0')).toEqual([]);
  });
});

describe('another driver', () => {
  test.each<Verb>(['prepare', 'receive', 'freeze', 'dump', 'restore', 'commit', 'run', 'switch', 'release', 'clean'])(
    'takes over with the next term when one is killed at %s',
    async (verb) => {
      const { reached, release } = hold(verb);
      const first = await world.startDriver('cloud-1');
      await world.command('m1');
      await reached;
      await first.kill();
      await world.startDriver('edge-1');
      release();
      expect(await world.ended('m1')).toMatchObject({ result: 'succeeded', term: 2 });
      expect(copies()).toBe('gone running');
      expect(world.source.turns).toEqual(['open', 'committed']);
      await world.idle();
      expect((await world.migrations.get('m1'))?.value).toMatchObject({ term: 2, driver: 'edge-1' });
    },
  );

  test('that tells an end again is not the first to tell it', async () => {
    world.cloud.fault = faultAt('clean', 'lost');
    const first = await world.startDriver('cloud-1');
    await world.command('m1');
    await world.ended('m1');
    await first.kill();
    world.cloud.fault = () => undefined;
    await world.startDriver('edge-1');
    await world.idle();
    expect(world.told.filter(({ stage }) => stage === 'ended')).toHaveLength(1);
  });

  test('gets the command at once when one is stopped in order', async () => {
    const { reached, release } = hold('dump');
    const first = await world.startDriver('cloud-1');
    await world.command('m1');
    await reached;
    await world.startDriver('edge-1');
    await first.close();
    release();
    expect(await world.ended('m1')).toMatchObject({ result: 'succeeded', term: 2 });
  });

  /** As if another driver had taken the migration over. It does not exist: the command, left alone, comes back after the lease. */
  async function usurp(): Promise<void> {
    const stored = await world.migrations.get('m1');
    if (!stored) throw new Error('no state');
    await world.migrations.update('m1', { ...stored.value, term: 2, driver: 'edge-9' }, stored.revision);
  }

  test('with a higher term stops one that waits for an agent', async () => {
    const { reached } = hold('dump');
    await world.startDriver('cloud-1');
    await world.command('m1');
    await reached;
    await usurp();
    expect(await world.ended('m1')).toMatchObject({ result: 'succeeded', term: 3 });
    expect(termsOf(world.cloud, 'restore')).toEqual([3]);
  });

  test('with a higher term stops one that goes on at the same moment', async () => {
    const { reached, release } = hold('dump');
    await world.startDriver('cloud-1');
    await world.command('m1');
    await reached;
    await usurp();
    release();
    expect(await world.ended('m1')).toMatchObject({ result: 'succeeded', term: 3 });
    expect(termsOf(world.edge, 'commit')).toEqual([3]);
    expect(termsOf(world.cloud, 'run')).toEqual([3]);
  });
});

describe('a request to cancel', () => {
  test('leads back before the commit, and outlives the driver’s own writes', async () => {
    const { reached, release } = hold('dump');
    await world.startDriver('cloud-1');
    await world.command('m1');
    await reached;
    await world.cancel('m1');
    expect(await world.ended('m1')).toMatchObject({ result: 'rolled-back', reason: 'cancelled on request' });
    release();
    expect(copies()).toBe('running none');
    await world.idle();
    expect((await world.migrations.get('m1'))?.value.cancelRequested).toBe(true);
  });

  test('comes too late after the commit', async () => {
    const { reached, release } = hold('run');
    await world.startDriver('cloud-1');
    await world.command('m1');
    await reached;
    await world.cancel('m1');
    release();
    expect((await world.ended('m1')).result).toBe('succeeded');
    expect((await world.migrations.get('m1'))?.value.cancelRequested).toBe(true);
  });
});

describe('deadlines', () => {
  const short = { prepare: 300, receive: 300, freeze: 400, dump: 400, restore: 400, commit: 400 };

  test('a hung dump is given up', async () => {
    world.edge.fault = faultAt('dump', 'lost');
    await world.startDriver('cloud-1', short);
    await world.command('m1');
    const ended = await world.ended('m1');
    expect(ended.result).toBe('rolled-back');
    expect(ended.reason).toContain('dump at edge-1: no answer within');
    expect(copies()).toBe('running none');
  });

  test('a source that was cut off aborts by itself, and the doubt ends with what it says then', async () => {
    let cut = true;
    world.edge.fault = (verb) => (verb === 'commit' && cut ? 'lost' : undefined);
    await world.startDriver('cloud-1', short);
    await world.command('m1');
    await world.until('doubt', async () => ((await stagesOf('m1')).includes('in-doubt') ? true : undefined));
    await world.until('the source aborts', () => {
      world.source.tick(Date.now() + 5000);
      return world.source.record === 'aborted' ? true : undefined;
    });
    cut = false;
    const ended = await world.ended('m1');
    expect(ended).toMatchObject({ result: 'rolled-back', reason: 'the record at edge-1 is aborted' });
    expect(copies()).toBe('running none');
  });

  test('a migration whose node stays silent is given back, so that its driver can do other work', async () => {
    world.cloud.fault = (verb) => (verb === 'run' ? 'lost' : undefined);
    await world.startDriver('cloud-1', {}, 1000);
    await world.command('m1');
    await world.until('doubt', async () => ((await stagesOf('m1')).includes('in-doubt') ? true : undefined));
    await world.command('m2', { source: 'edge-9' });
    expect((await world.ended('m2')).result).toBe('refused');
    world.cloud.fault = () => undefined;
    const ended = await world.ended('m1');
    expect(ended.result).toBe('succeeded');
    expect(ended.term).toBeGreaterThan(1);
  });

  test('a target that is away refuses at once, and is cleaned up when it is back', async () => {
    world.cloud.fault = () => 'lost';
    await world.startDriver('edge-1', short);
    await world.command('m1');
    const ended = await world.ended('m1');
    expect(ended.result).toBe('refused');
    expect(ended.reason).toContain('receive at cloud-1');
    expect(world.target.cleaned).toBe(false);
    world.cloud.fault = () => undefined;
    await world.idle();
    expect(world.target.cleaned).toBe(true);
    expect((await stagesOf('m1')).filter((stage) => stage === 'ended')).toEqual(['ended']);
  });
});
