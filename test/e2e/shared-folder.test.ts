import { watch } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { raiseFleet, type TestFleet } from '../helpers/fleet.ts';
import { leftovers, liveOn } from '../helpers/fleet-facts.ts';
import { move, runWorkload, selfOf } from '../helpers/fleet-moves.ts';
import { untilReady } from '../helpers/fleet-services.ts';
import { edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { tell } from '../helpers/fleet-story.ts';
import { until } from '../helpers/until.ts';

let folder: string;
let fleet: TestFleet;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-shared-'));
  fleet = await raiseFleet({
    nodes: edgeAndCloud,
    policy: pausedPolicy,
    binds: [{ source: folder, target: '/srv/checkpoints', writable: true }],
    nodeConfig: { data: { shared: '/srv/checkpoints' } },
  });
  await untilReady(fleet);
});
afterAll(async () => {
  await fleet?.down();
  await rm(folder, { recursive: true, force: true });
});

test('between nodes that share a folder the checkpoint goes through it, and none stays', async () => {
  // large enough to be restored lazily, out of the folder
  const workload = await runWorkload(fleet, { name: 'warm', node: 'edge-1', host: 101, env: { MIB: '128' } });
  const seen = new Set<string | null>();
  const watcher = watch(folder, (_, name) => seen.add(name));
  const before = await selfOf(workload);
  const end = await move(fleet, { workload: 'warm', target: 'cloud-1' });
  watcher.close();
  expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', strategy: 'warm' });
  expect([...seen]).toEqual([end.id]);
  const self = await selfOf(workload);
  expect(self).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
  expect(await liveOn(fleet.workers, 'warm')).toEqual(['cloud-1']);
  await until('nothing to be left behind', 10_000, async () => {
    const lines = await Promise.all(fleet.workers.map((node) => leftovers(node, 'warm', node.name === 'cloud-1')));
    const left = [...lines.flat(), ...(await readdir(folder))];
    if (left.length > 0) throw new Error(left.join('; '));
    return true;
  });
});
