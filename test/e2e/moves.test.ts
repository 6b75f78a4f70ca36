import { afterAll, beforeAll, expect, test } from 'vitest';
import { raiseFleet, type TestFleet } from '../helpers/fleet.ts';
import { twinsIn, watchBeats } from '../helpers/fleet-beats.ts';
import { leftovers, liveOn } from '../helpers/fleet-facts.ts';
import { move, runWorkload, selfOf } from '../helpers/fleet-moves.ts';
import { untilReady } from '../helpers/fleet-services.ts';
import { edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { tell } from '../helpers/fleet-story.ts';
import { until } from '../helpers/until.ts';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await raiseFleet({ nodes: edgeAndCloud, policy: pausedPolicy });
  await untilReady(fleet);
});
afterAll(() => fleet?.down());

test('a warm move there and back carries the process, its memory and its address', async () => {
  const workload = await runWorkload(fleet, {
    name: 'warm',
    node: 'edge-1',
    host: 101,
    env: { MIB: '32', DIRTY_MIB_PER_S: '16' },
  });
  const watch = watchBeats(fleet.workers, 'warm');
  let last = await selfOf(workload);
  for (const target of ['cloud-1', 'edge-1']) {
    const end = await move(fleet, { workload: 'warm', target });
    expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', strategy: 'warm', target });
    expect(end.measurements?.dirtyBytesPerSecond).toBeGreaterThan(4 * 2 ** 20);
    const self = await selfOf(workload);
    expect(self).toMatchObject({ nonce: last.nonce, checksum: { ok: true } });
    expect(self.counter).toBeGreaterThan(last.counter);
    expect(await liveOn(fleet.workers, 'warm')).toEqual([target]);
    await until('nothing to be left behind', 10_000, async () => {
      const lines = await Promise.all(fleet.workers.map((node) => leftovers(node, 'warm', node.name === target)));
      if (lines.flat().length > 0) throw new Error(lines.flat().join('; '));
      return true;
    });
    last = self;
  }
  await watch.stop();
  expect(watch.beats.length).toBeGreaterThan(10);
  expect(twinsIn(watch.beats)).toEqual([]);
});
