import { afterAll, beforeAll, expect, test } from 'vitest';
import { labExec, labStart } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import type { Exec } from '../../lib/exec.ts';
import { type AddressMover, createAddressMover } from '../../migrator/network/address.ts';
import { ensureNetns, netnsName } from '../../migrator/network/netns.ts';
import { eventually, node, sh, testLabs } from './lab-helpers.ts';

// A workload's address moves between two nodes while a client of a third one connects.

const labs = testLabs();
const port = 7000;
let lab: LabStatus;
let address: string;
const movers = new Map<string, AddressMover>();
const mover = (name: string): AddressMover => movers.get(name) as AddressMover;

const answering = (text: string): string =>
  `require('node:net').createServer((socket) => socket.end('${text}')).listen(${port})`;

beforeAll(async () => {
  lab = await labs.up([node('edge-1', 'plant'), node('cloud-1', 'plant'), node('client', 'plant')]);
  address = `${lab.subnet.replace(/\.0\/24$/, '')}.150`;
  for (const name of ['edge-1', 'cloud-1']) {
    const exec: Exec = (file, args, options) => labExec(lab.name, name, [file, ...args], options);
    await sh(lab, name, 'sysctl -qw net.ipv4.ip_forward=1 net.ipv4.ip_nonlocal_bind=1');
    await sh(lab, name, 'sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.neigh.eth0.proxy_delay=0');
    await ensureNetns('shop', address, exec);
    const inside = ['ip', 'netns', 'exec', netnsName('shop'), 'node', '-e', answering(name)];
    await labStart(lab.name, name, inside, { name: 'shop' });
    await eventually(async () => ((await listens(name)) ? true : undefined));
    movers.set(name, createAddressMover({ mode: 'neighbour', device: 'eth0' }, exec));
  }
}, 300_000);
afterAll(() => labs.downAll());

const listens = async (name: string): Promise<boolean> =>
  (await sh(lab, name, `ip netns exec ${netnsName('shop')} ss -ltnH`)).includes(`:${port}`);

const call = (): Promise<string> => sh(lab, 'client', `busybox nc ${address} ${port} < /dev/null`);

/** Segments that the client had to send again since its node was made. */
async function repeated(): Promise<number> {
  const lines = (await sh(lab, 'client', 'cat /proc/net/snmp')).split('\n').filter((line) => line.startsWith('Tcp:'));
  const [names = [], values = []] = lines.map((line) => line.split(' '));
  return Number(values[names.indexOf('RetransSegs')]);
}

test('what comes between the drop and the take reaches the new place, and nothing has to be sent again', async () => {
  await mover('edge-1').take('shop', address);
  expect(await call()).toBe('edge-1');
  // it was there before, and the node remembers
  const link = await sh(lab, 'cloud-1', 'cat /sys/class/net/eth0/address');
  await sh(lab, 'edge-1', `ip neigh replace ${address} lladdr ${link.trim()} dev eth0 nud stale`);
  const before = await repeated();

  await mover('edge-1').drop('shop', address);
  const calling = call();
  const waits = async () =>
    (await sh(lab, 'edge-1', `ip neigh show ${address}`)).includes('INCOMPLETE') ? true : undefined;
  await eventually(waits, 3000);
  await mover('cloud-1').take('shop', address);

  expect(await calling).toBe('cloud-1');
  expect(await repeated()).toBe(before);
});

test('dropped twice and taken twice is dropped and taken', async () => {
  await mover('cloud-1').take('shop', address);
  await mover('edge-1').drop('shop', address);
  await mover('edge-1').drop('shop', address);
  await mover('cloud-1').take('shop', address);
  expect(await call()).toBe('cloud-1');
});
