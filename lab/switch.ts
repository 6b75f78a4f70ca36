import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { GodwitError, messageOf } from '../lib/errors.ts';
import { parseJson } from '../lib/parse.ts';
import type { LabSettings } from './settings.ts';
import { type LabState, labDir, writeLab } from './state.ts';

// The switch is a network namespace of its own, kept by a mount and so by no process. In it stand the bridge `core`, to
// which this machine is plugged (`host`), and a bridge for each site, joined to the core by an uplink (`up<n>` on the
// core's side, `down<n>` on the site's). Node ports are called `n<last byte of the address>`.

const switchHandle = (settings: LabSettings, lab: string): string => join(labDir(settings, lab), 'switch');
export const hostDevice = (subnet: number): string => `godwit${subnet}`;
export const addressOf = (subnet: number, last: number): string => `10.88.${subnet}.${last}`;
export const nodePort = (last: number): string => `n${last}`;
export const siteBridge = (lab: LabState, site: string): string => `site${lab.sites[site]}`;

/** Stays the same when an interface is made again, so that neighbours need not learn it anew. */
export function macOf(subnet: number, last: number): string {
  return ['02', '67', '77', subnet, 0, last]
    .map((part) => (typeof part === 'string' ? part : part.toString(16).padStart(2, '0')))
    .join(':');
}

/** Runs a program of this machine in the switch's network. */
export function inSwitch(settings: LabSettings, lab: string, argv: string[], input?: string): Promise<string> {
  return run(settings, 'nsenter', [`--net=${switchHandle(settings, lab)}`, ...argv], input);
}

export async function run(settings: LabSettings, file: string, args: string[], input?: string): Promise<string> {
  const { stdout } = await settings.exec(file, args, input === undefined ? {} : { input });
  return stdout;
}

/** Makes what is missing of the switch and of this machine's plug in it; the first time it claims a subnet. */
export async function ensureSwitch(settings: LabSettings, lab: LabState): Promise<number> {
  const links = (await listLinks(settings, lab.spec.name)) ?? (await createSwitch(settings, lab.spec.name));
  await inSwitch(settings, lab.spec.name, ['ip', '-batch', '-'], switchScript(links, lab.sites));
  const subnet = await ensurePlug(settings, lab, links);
  await configureHost(settings, subnet);
  return subnet;
}

/** The switch's interfaces, and the bridge that each is plugged into. */
export type Links = ReadonlyMap<string, string | undefined>;

const linksSchema = z.array(z.object({ ifname: z.string(), master: z.string().optional() }));

/** Undefined when there is no switch. */
export async function listLinks(settings: LabSettings, lab: string): Promise<Links | undefined> {
  try {
    const text = await inSwitch(settings, lab, ['ip', '-json', 'link', 'show']);
    return new Map(parseJson(linksSchema, text, 'ip link').map(({ ifname, master }) => [ifname, master]));
  } catch {
    return undefined;
  }
}

async function createSwitch(settings: LabSettings, lab: string): Promise<Links> {
  const handle = switchHandle(settings, lab);
  await removeSwitch(settings, lab);
  await mkdir(labDir(settings, lab), { recursive: true });
  await writeFile(handle, '');
  const silence =
    'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6';
  await run(settings, 'unshare', [
    `--net=${handle}`,
    '/bin/sh',
    '-c',
    `[ ! -d /proc/sys/net/ipv6 ] || { ${silence}; }`,
  ]);
  return new Map();
}

/** Takes the handle away; the namespace goes with the last node in it. */
export async function removeSwitch(settings: LabSettings, lab: string): Promise<void> {
  const handle = switchHandle(settings, lab);
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  for (const line of mounts.split('\n'))
    if (line.split(' ')[4] === handle) await run(settings, 'umount', ['-l', handle]);
  await rm(handle, { force: true });
}

function switchScript(links: Links, sites: Readonly<Record<string, number>>): string {
  const lines: string[] = ['link set lo up'];
  const bridge = (name: string): void => {
    if (!links.has(name)) lines.push(`link add ${name} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`);
    lines.push(`link set ${name} up`);
  };
  bridge('core');
  for (const number of Object.values(sites)) {
    bridge(`site${number}`);
    if (!links.has(`up${number}`)) lines.push(`link add up${number} type veth peer name down${number}`);
    lines.push(`link set up${number} master core up`, `link set down${number} master site${number} up`);
  }
  return lines.join('\n');
}

/** The interface of this machine is the claim on the subnet: the kernel gives its name to one lab only. */
async function ensurePlug(settings: LabSettings, lab: LabState, links: Links): Promise<number> {
  if (links.has('host')) {
    if (lab.subnet !== undefined) return lab.subnet;
    await unplug(settings, lab.spec.name); // plugged by an `up` that died before it could write down which it was
  }
  const others = Array.from({ length: 254 }, (_, index) => index + 1);
  for (const subnet of lab.subnet === undefined ? others : [lab.subnet, ...others]) {
    if (isTaken(subnet) || !(await plug(settings, lab, subnet))) continue;
    lab.subnet = subnet;
    await writeLab(settings, lab);
    return subnet;
  }
  throw new GodwitError('E_LAB', 'no subnet of 10.88.0.0/16 is free', { next: 'Take labs down: godwit lab status.' });
}

function isTaken(subnet: number): boolean {
  const own = Object.entries(networkInterfaces());
  return own.some(
    ([name, addresses]) =>
      name === hostDevice(subnet) || addresses?.some(({ address }) => address.startsWith(`10.88.${subnet}.`)),
  );
}

/** False when another lab has the subnet. */
async function plug(settings: LabSettings, lab: LabState, subnet: number): Promise<boolean> {
  // a process id names the network to put the other end in: ours
  const pair = `link add host type veth peer name ${hostDevice(subnet)} address ${macOf(subnet, 1)} netns ${process.pid}`;
  try {
    await inSwitch(settings, lab.spec.name, ['ip', '-batch', '-'], `${pair}\nlink set host master core up`);
    return true;
  } catch (error) {
    if (/exists/i.test(messageOf(error))) return false;
    throw error;
  }
}

/** Removes this machine's interface to the lab, if there is one. */
export async function unplug(settings: LabSettings, lab: string): Promise<void> {
  const links = await listLinks(settings, lab);
  if (links?.has('host')) await inSwitch(settings, lab, ['ip', 'link', 'del', 'host']);
}

async function configureHost(settings: LabSettings, subnet: number): Promise<void> {
  const device = hostDevice(subnet);
  const script = `addr replace ${addressOf(subnet, 1)}/24 dev ${device}\nlink set ${device} up`;
  await run(settings, 'ip', ['-batch', '-'], script);
}
