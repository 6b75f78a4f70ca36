import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labStart, labStatus, labUp, linkCut, linkHeal, linkShape, linkUnshape } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { dial, eventually, node, nodeOf, sh, testLabs } from './lab-helpers.ts';

const labs = testLabs();
const nodes = [node('hub', 'central'), node('edge-1', 'plant'), node('edge-2', 'plant')];
let lab: LabStatus;

// `e` echoes what follows; `s<n>.` sends n bytes and closes; `k<n>.` takes n bytes, then says so
const server = `require('node:net').createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (first) => {
    const [order, verb, count] = /^([esk])(?:(\\d+)\\.)?/.exec(first);
    if (verb === 's') return void socket.end(Buffer.alloc(Number(count)));
    let left = Number(count);
    const take = (data) => {
      if (verb === 'e') return void socket.write(data);
      left -= data.length;
      if (left <= 0) socket.end('done');
    };
    socket.on('data', take);
    if (first.length > order.length) take(first.subarray(order.length));
  });
}).listen(7000)`;

beforeAll(async () => {
  lab = await labs.up(nodes);
  for (const { name } of lab.nodes) await serve(name);
}, 300_000);

async function serve(name: string): Promise<void> {
  await labStart(lab.name, name, ['node', '-e', server], { name: 'server' });
  (await eventually(() => dial(addressOf(name), 7000))).destroy();
}

afterAll(() => labs.downAll());

const addressOf = (name: string): string => nodeOf(lab, name).address;

/** What arrives within the given time. */
async function heard(socket: Socket, withinMs: number): Promise<string> {
  const chunks: Buffer[] = [];
  const collect = (data: Buffer): void => void chunks.push(data);
  socket.on('data', collect);
  await Promise.race([delay(withinMs), new Promise((resolve) => socket.once('data', resolve))]);
  socket.off('data', collect);
  return Buffer.concat(chunks).toString();
}

async function echoing(name: string): Promise<Socket> {
  const socket = await dial(addressOf(name), 7000);
  socket.setNoDelay(true);
  socket.write('e');
  return socket;
}

/** A node that is to be reached is asked more than once: a packet is lost when an earlier search for the neighbour fails. */
async function expectReach(from: string, to: string, reached: boolean): Promise<void> {
  const ping = async (): Promise<boolean> =>
    (await sh(lab, from, `busybox ping -c 1 -W 1 ${to} || true`)).includes('1 packets received');
  if (reached) await eventually(async () => ((await ping()) ? true : undefined));
  else expect(await ping()).toBe(false);
}

describe('a cut', () => {
  test('of a node stalls a connection both ways without an end, and healing lets it go on', async () => {
    const socket = await echoing('edge-1');
    const ends: string[] = [];
    for (const event of ['end', 'error', 'close']) socket.on(event, () => ends.push(event));
    socket.write('before');
    expect(await heard(socket, 10_000)).toBe('before');

    await linkCut(lab.name, { node: 'edge-1' });
    await expectReach('edge-1', 'hub', false);
    await expectReach('edge-2', 'hub', true);
    socket.write('during');
    expect(await heard(socket, 500)).toBe('');
    expect((await labStatus(lab.name)).links).toEqual({ 'node:edge-1': { cut: true } });

    await linkHeal(lab.name, { node: 'edge-1' });
    expect(await heard(socket, 20_000)).toBe('during');
    expect(ends).toEqual([]);
    socket.destroy();
    await expectReach('edge-1', 'hub', true);
  });

  test('of a site leaves its nodes to each other', async () => {
    await linkCut(lab.name, { site: 'plant' });
    await expectReach('edge-1', 'edge-2', true);
    await expectReach('edge-1', 'hub', false);
    await expectReach('edge-2', 'outside', false);
    await expect(dial(addressOf('edge-2'), 7000, 200)).rejects.toThrow('does not answer');
    await linkHeal(lab.name, { site: 'plant' });
    for (const name of ['edge-1', 'edge-2']) await expectReach(name, 'hub', true);
  });

  test('stays over a second up and the death of the node', async () => {
    await linkCut(lab.name, { node: 'edge-2' });
    process.kill(nodeOf(lab, 'edge-2').pid, 'SIGKILL');
    lab = await labUp({ name: lab.name, nodes });
    await expectReach('edge-2', 'hub', false);
    await linkHeal(lab.name, { node: 'edge-2' });
    await expectReach('edge-2', 'hub', true);
    await serve('edge-2');
  });

  test('of what is not there is refused', async () => {
    await expect(linkCut(lab.name, { node: 'nobody' })).rejects.toMatchObject({ code: 'E_LAB' });
    await expect(linkCut(lab.name, { site: 'nowhere' })).rejects.toMatchObject({ code: 'E_LAB' });
    expect(Object.keys((await labStatus(lab.name)).links)).not.toContain('node:nobody');
  });
});

/** Bits per second. */
async function rate(name: string, direction: 'in' | 'out', bytes: number): Promise<number> {
  const socket = await dial(addressOf(name), 7000);
  const start = performance.now();
  let left = direction === 'out' ? bytes : 'done'.length;
  const end = new Promise<void>((resolve, reject) => {
    socket.on('data', (data) => {
      left -= data.length;
    });
    socket.once('error', reject);
    socket.once('end', () => (left === 0 ? resolve() : reject(new Error(`${left} bytes are missing`))));
  });
  if (direction === 'out') socket.write(`s${bytes}.`);
  else {
    socket.write(`k${bytes}.`);
    socket.write(Buffer.alloc(bytes));
  }
  await end;
  socket.destroy();
  return (bytes * 8000) / (performance.now() - start);
}

describe('a shape', () => {
  const megabyte = 2 ** 20;
  const slow = { rateBitsPerSecond: 10_000_000, burstBytes: 32 * 1024 };

  test('limits a node’s cable both ways until it is taken off', async () => {
    await linkShape(lab.name, { node: 'edge-1' }, slow);
    for (const direction of ['in', 'out'] as const) {
      const measured = await rate('edge-1', direction, megabyte);
      expect(measured).toBeGreaterThan(slow.rateBitsPerSecond / 3);
      expect(measured).toBeLessThan(slow.rateBitsPerSecond * 1.5);
    }
    await linkUnshape(lab.name, { node: 'edge-1' });
    for (const direction of ['in', 'out'] as const)
      expect(await rate('edge-1', direction, 16 * megabyte)).toBeGreaterThan(slow.rateBitsPerSecond * 5);
    expect((await labStatus(lab.name)).links['node:edge-1']).toEqual({ cut: false });
  });

  test('of a site is shared by its nodes, and does not slow them among themselves', async () => {
    await linkShape(lab.name, { site: 'plant' }, slow);
    for (const direction of ['in', 'out'] as const) {
      const both = await Promise.all([rate('edge-1', direction, megabyte), rate('edge-2', direction, megabyte)]);
      expect(Math.min(...both)).toBeLessThan(slow.rateBitsPerSecond * 0.75);
    }
    const inside = `node -e 'const s = require("node:net").connect(7000, "edge-2", () => s.write("s16777216.")); s.resume()'`;
    const start = performance.now();
    await sh(lab, 'edge-1', inside);
    expect((16 * megabyte * 8000) / (performance.now() - start)).toBeGreaterThan(slow.rateBitsPerSecond * 3);
    await linkUnshape(lab.name, { site: 'plant' });
  });

  test('is refused when it makes no sense', async () => {
    const shape = { rateBitsPerSecond: 5, burstBytes: 1 };
    await expect(linkShape(lab.name, { node: 'hub' }, shape)).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringMatching(/rateBitsPerSecond: .*burstBytes: /),
    });
  });
});

describe('an address of a workload', () => {
  // the workload's own network: a cable to the node, the address on its end, the node as the way to everything
  const place = (address: string): string => `
    ip netns add w
    ip link add w0 type veth peer name eth0 netns w
    echo 0 >/proc/sys/net/ipv4/neigh/w0/proxy_delay
    ip link set w0 up
    ip -n w addr add ${address}/32 dev eth0
    ip -n w link set eth0 up
    ip -n w route add default dev eth0`;
  const take = (address: string): string =>
    `ip route add ${address}/32 dev w0; arping -q -U -c 1 -w 1 -I eth0 ${address}`;
  const drop = (address: string): string => `ip route del ${address}/32 dev w0`;

  test('is answered for without the kernel’s usual pause', async () => {
    const fresh = [201, 202, 203, 204, 205, 206].map((last) => addressOf('hub').replace(/\d+$/, String(last)));
    await sh(lab, 'hub', 'ip link add sink type veth peer name drain; ip link set drain up; ip link set sink up');
    for (const address of fresh) await sh(lab, 'hub', `ip route add ${address}/32 dev sink`);
    const start = performance.now();
    for (const address of fresh) await neighbourOf(address);
    expect(performance.now() - start).toBeLessThan(800); // with the pause, 0 to 800 ms each, 2400 on average
  });

  /** Lets this machine ask who has the address, and waits for the answer. */
  async function neighbourOf(address: string): Promise<void> {
    const socket = createSocket('udp4');
    socket.send('', 9, address);
    const known = async (): Promise<true | undefined> =>
      new RegExp(`^${address} .* 0x2 `, 'm').test(await readFile('/proc/net/arp', 'utf8')) ? true : undefined;
    await eventually(known);
    socket.close();
  }

  test('moves between nodes under clients on this machine and in a node, at its announcement', async () => {
    const address = addressOf('hub').replace(/\d+$/, '100');
    for (const name of ['edge-1', 'edge-2']) {
      await sh(lab, name, place(address));
      await labStart(lab.name, name, ['ip', 'netns', 'exec', 'w', 'node', '-e', server], { name: 'workload' });
      const listens = (table: string): true | undefined => (table.includes(':1B58 ') ? true : undefined);
      await eventually(async () => listens(await sh(lab, name, 'ip netns exec w cat /proc/net/tcp6')));
    }
    await sh(lab, 'edge-1', take(address));
    for (const [from, to] of [
      ['edge-1', 'edge-2'],
      ['edge-2', 'edge-1'],
      ['edge-1', 'edge-2'],
    ] as const) {
      (await eventually(() => dial(address, 7000))).destroy();
      await expectReach('hub', address, true);
      await sh(lab, from, drop(address));
      await linkCut(lab.name, { node: from }); // it would pass on what is still sent to it
      const announced = sh(lab, to, take(address));
      const start = performance.now();
      (await eventually(() => dial(address, 7000, 20))).destroy();
      expect(performance.now() - start).toBeLessThan(2000);
      await expectReach('hub', address, true);
      await announced;
      await linkHeal(lab.name, { node: from });
    }
  });
});
