import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Action, World } from './model/world.ts';

/** Stages after which an observer knows that both copies may be stopped. */
const stopped = new Set(['freeze', 'dump', 'transfer', 'restore', 'commit', 'run', 'aborting', 'in-doubt']);
const allowedTurns = new Set(['', 'open', 'aborted', 'open aborted', 'open committed']);

function checkAlways({ source, target, events, dead }: World): void {
  if (source.copy === 'running' && target.copy === 'running') throw new Error('two live copies');
  if (!allowedTurns.has(source.turns.join(' '))) throw new Error(`the record turned ${source.turns.join(', ')}`);
  if (source.copy === 'gone' && !target.drained && dead !== 'source')
    throw new Error('the source is gone before all pages are in');
  if (source.copy === 'running' || target.copy === 'running' || target.lost || dead) return;
  const last = events.at(-1)?.stage ?? 'nothing';
  if (!stopped.has(last)) throw new Error(`nothing runs, and the last event is ${last}`);
}

/** One turn in a world without faults: some driver works, every message arrives, whoever waits in vain notices. */
function healthyTurn(world: World): void {
  const working = (): World['drivers'] => world.drivers.filter(({ alive }) => alive);
  if (working().length === 0) world.claim();
  world.pass(100);
  for (const act of world.work()) act();
  world.drain();
  for (const driver of working()) if (driver.mayAct && world.cancelWanted(driver)) world.cancel(driver);
  for (const driver of working()) driver.noticeOthers();
  const silent = world.requests.length + world.answers.length === 0;
  if (silent) for (const driver of working()) if (driver.mayAct) world.timeOut(driver);
}

function heal(world: World): void {
  for (let turn = 0; turn < 400; turn++) {
    const over = world.stored?.state.step === 'end' && world.events.some(({ stage }) => stage === 'ended');
    if (over && world.drivers.every(({ alive }) => !alive)) return;
    if (world.dead && world.stored?.state.direction === 'ended') return; // only the clean-up of the dead node is open
    if (world.dead && !world.stored?.state.resolution?.dead) world.resolve(survivor(world));
    healthyTurn(world);
    checkAlways(world);
  }
  throw new Error(
    `the saga does not end: ${JSON.stringify(world.stored?.state)} ${JSON.stringify(world.drivers.map((d) => [d.alive, d.state.step, d.state.term, d.mayAct, d.awaiting]))} ${world.requests.length} ${world.answers.length}`,
  );
}

const survivor = ({ dead }: World): 'source' | 'target' => (dead === 'source' ? 'target' : 'source');

const copiesAfter: Record<string, string> = {
  succeeded: 'gone running',
  lost: 'frozen none',
  'rolled-back': 'running none',
  refused: 'running none',
};

function checkEnd({ source, target, events, stored, dead }: World): void {
  const all = events.filter(({ stage }) => stage === 'ended');
  const [end, ...earlier] = all.reverse();
  // what was lost may be settled by a person, and be lost again
  expect(earlier.map(({ result }) => result)).toEqual(earlier.map(() => 'lost'));
  expect(earlier.length > 0 && !stored?.state.resolution, 'one terminal event').toBe(false);
  const { result, reason } = end ?? {};
  if (dead) {
    expect(source.copy === 'running' && target.copy === 'running').toBe(false);
    return;
  }
  expect(stored?.state).toMatchObject({ direction: 'ended', result });
  expect(`${source.copy} ${target.copy}`, `${result}`).toBe(copiesAfter[result ?? '']);
  if (result !== 'succeeded') expect(reason).toBeTruthy();
  if (result !== 'lost') expect([source.cleaned, target.cleaned]).toEqual([true, true]);
  if (result === 'refused') expect(source.turns).not.toContain('open');
}

function choose(world: World, draw: { mishap: boolean; pick: number }): Action | undefined {
  const work = world.work();
  const actions = draw.mishap || work.length === 0 ? world.mishaps() : work;
  return actions[draw.pick % actions.length];
}

const oneIn = (n: number): fc.Arbitrary<boolean> => fc.integer({ min: 1, max: n }).map((draw) => draw === n);
const settings = fc.record({
  lazy: fc.boolean(),
  refuses: oneIn(12),
  cancels: oneIn(3),
  late: oneIn(3),
  resolves: oneIn(3),
});
const draws = fc.array(fc.record({ mishap: oneIn(6), pick: fc.nat({ max: 1_000_000 }) }), {
  minLength: 10,
  maxLength: 120,
  size: 'max',
});
const runs = Number(process.env.GODWIT_MODEL_RUNS ?? 3000);

test('whatever happens: never two live copies, never none in silence, and it ends when the faults do', {
  timeout: 600_000,
}, () => {
  const seen = new Set<string>();
  const story = (
    options: ConstructorParameters<typeof World>[0],
    choices: { mishap: boolean; pick: number }[],
  ): void => {
    const world = new World(options);
    for (const draw of choices) {
      choose(world, draw)?.();
      checkAlways(world);
      if (world.stored) seen.add(world.stored.state.step);
    }
    heal(world);
    checkEnd(world);
    for (const { stage, result } of world.events) seen.add(result ?? stage);
  };
  fc.assert(fc.property(settings, draws, story), { numRuns: runs });
  const everything = [
    'succeeded',
    'rolled-back',
    'refused',
    'lost',
    'in-doubt',
    'aborting',
    'destroy',
    'thaw',
    'drain',
  ];
  expect([...seen]).toEqual(expect.arrayContaining(everything));
});
