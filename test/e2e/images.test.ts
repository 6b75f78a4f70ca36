import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../lib/bus/kv.ts';
import { capSysResource, hasCapability } from '../../lib/capabilities.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { raiseFleet, readInNode, type TestFleet } from '../helpers/fleet.ts';
import { liveOn, pidsIn } from '../helpers/fleet-facts.ts';
import { move, runWorkload, selfOf } from '../helpers/fleet-moves.ts';
import { untilReady } from '../helpers/fleet-services.ts';
import { edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { tell } from '../helpers/fleet-story.ts';
import { until } from '../helpers/until.ts';

// A small app as an image: what `umoci` made of it here, another builder would have made elsewhere.
const build = `
umoci init --layout /srv/shop
umoci new --image /srv/shop:v1
umoci insert --image /srv/shop:v1 /opt/bundles/prime-job/rootfs /
umoci config --image /srv/shop:v1 --config.entrypoint /app/main --config.cmd as-built \
  --config.env PORT=8080 --config.env LIMIT=1000 --config.workingdir /srv/work
umoci config --image /srv/shop:v1 --tag plain --config.user 1000:1000
umoci config --image /srv/shop:v1 --tag other --architecture s390x
mkdir /srv/empty`;

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await raiseFleet({ nodes: edgeAndCloud, policy: pausedPolicy });
  await fleet.exec('edge-1', ['/bin/sh', '-exc', build]);
  await untilReady(fleet);
});
afterAll(() => fleet?.down());

const imagesOn = (node: string) => fleet.exec(node, ['ls', '-l', '--time-style=full-iso', '/var/lib/godwit/images']);

/** User and folder of the process, as the kernel has them. */
async function processIn(node: string, command: RegExp): Promise<{ uid: string | undefined; cwd: string }> {
  const [pid] = await pidsIn(fleet.node(node), command);
  const status = await readInNode(fleet.node(node), `proc/${pid}/status`);
  const cwd = await fleet.exec(node, ['readlink', `/proc/${pid}/cwd`]);
  return { uid: /^Uid:\t(\d+)/m.exec(status ?? '')?.[1], cwd: cwd.trim() };
}

const asBuilt = /^\/app\/main as-built$/;

test('an image runs as it asks to and moves with its memory', async () => {
  const workload = await runWorkload(fleet, { name: 'shop', node: 'edge-1', image: '/srv/shop:v1', host: 101 });
  const before = await selfOf(workload);
  expect(await processIn('edge-1', asBuilt)).toEqual({ uid: '0', cwd: '/srv/work' });

  const end = await move(fleet, { workload: 'shop', target: 'cloud-1' });
  expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', strategy: 'warm' });
  const self = await selfOf(workload);
  expect(self).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
  expect(self.counter).toBeGreaterThan(before.counter);
  expect(await liveOn(fleet.workers, 'shop')).toEqual(['cloud-1']);
  expect(await processIn('cloud-1', asBuilt)).toEqual({ uid: '0', cwd: '/srv/work' });
});

test('an image is unpacked once for all that run it, also with other arguments', async () => {
  const before = await imagesOn('edge-1');
  expect(before).toMatch(/ sha256-\w+$/m);
  const flags = ['--', '/app/main', 'as-told'];
  await fleet.exec('edge-1', ['godwit', 'run', 'twin', '--image', '/srv/shop:v1', ...flags]);
  await until('twin to run', 10_000, async () => {
    const pids = await pidsIn(fleet.node('edge-1'), /^\/app\/main as-told$/);
    return pids.length === 1 || undefined;
  });
  expect(await imagesOn('edge-1')).toBe(before);
});

test('an image of another user runs as that one, and moves where the node’s root may look at it', async () => {
  await runWorkload(fleet, { name: 'guest', node: 'edge-1', image: '/srv/shop:plain', host: 103 });
  expect(await processIn('edge-1', asBuilt)).toEqual({ uid: '1000', cwd: '/srv/work' });
  if (await hasCapability(capSysResource)) {
    expect(await move(fleet, { workload: 'guest', target: 'cloud-1' })).toMatchObject({ result: 'succeeded' });
    return;
  }
  const nodes = await openStore(fleet.operator, 'nodes', nodeRecordSchema, fleet.log);
  await until('guest to be found unmovable', 20_000, async () => {
    const found = (await nodes.get('edge-1'))?.value.workloads.find(({ name }) => name === 'guest');
    return /runs as user 1000, group 1000/.test(found?.obstacle ?? '') || undefined;
  });
});

test('what is no image for this node is refused, and nothing is unpacked', async () => {
  const before = await imagesOn('edge-1');
  const faults: [string, RegExp][] = [
    ['/srv/none:v1', /there is no folder \/srv\/none/],
    ['/srv/empty:v1', /\/srv\/empty is no whole OCI image layout: oci-layout is missing/],
    ['/srv/shop:v2', /has no tag "v2"; its tags are other, plain, v1/],
    ['/srv/shop:other', /is for linux\/s390x, and this node is linux\//],
  ];
  const line = (image: string): string => `godwit run wrong --image ${image} 2>&1; echo "exit $?"`;
  const said = await Promise.all(faults.map(([image]) => fleet.exec('edge-1', ['/bin/sh', '-c', line(image)])));
  for (const [index, [, reason]] of faults.entries()) {
    expect(said[index]).toMatch(reason);
    expect(said[index]).toMatch(/^exit 2$/m);
  }
  expect(await imagesOn('edge-1')).toBe(before);
});
