import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Exec } from '../../lib/exec.ts';

/** Link-local next hop that every workload's default route names; the node's end of the pair answers for it. */
const gateway = '169.254.1.1';

export const netnsName = (workload: string): string => `godwit-${workload}`;
export const netnsPath = (workload: string): string => `/run/netns/${netnsName(workload)}`;

/** Interface names hold 15 characters at most. */
export const vethName = (workload: string): string =>
  `gw${createHash('sha256').update(workload).digest('hex').slice(0, 10)}`;

/** Makes the workload's network namespace with its address inside; traffic reaches it only once the address is taken. */
export async function ensureNetns(workload: string, address: string | undefined, exec: Exec): Promise<void> {
  if (existsSync(netnsPath(workload))) return;
  const ns = netnsName(workload);
  const lines = [`netns add ${ns}`, `-n ${ns} link set lo up`];
  if (address) lines.push(...addressLines(ns, vethName(workload), address));
  for (const line of lines) await exec('ip', line.split(' '));
}

function addressLines(ns: string, veth: string, address: string): string[] {
  return [
    `link add ${veth} type veth peer name eth0 netns ${ns}`,
    `addr add ${gateway}/32 dev ${veth}`,
    `link set ${veth} up`,
    `-n ${ns} addr add ${address}/32 dev eth0`,
    `-n ${ns} link set eth0 up`,
    `-n ${ns} route add ${gateway} dev eth0 scope link`,
    `-n ${ns} route add default via ${gateway}`,
  ];
}

export async function removeNetns(workload: string, exec: Exec): Promise<void> {
  if (existsSync(`/sys/class/net/${vethName(workload)}`)) await exec('ip', ['link', 'del', vethName(workload)]);
  if (existsSync(netnsPath(workload))) await exec('ip', ['netns', 'del', netnsName(workload)]);
}

/** Resets every connection of a stopped workload, so that its clients turn to the new place at once instead of waiting. */
export const resetConnections = (workload: string, exec: Exec): Promise<boolean> =>
  resetConnectionsIn(netnsPath(workload), exec);

/** The same in a network namespace by its file, of all or of one peer's; false without the namespace. */
export async function resetConnectionsIn(netns: string, exec: Exec, peer?: string): Promise<boolean> {
  if (!existsSync(netns)) return false;
  const whose = peer === undefined ? [] : ['dst', peer];
  await exec('nsenter', [`--net=${netns}`, 'ss', '-K', '-t', 'state', 'connected', ...whose]);
  return true;
}
