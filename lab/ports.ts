import { messageOf } from '../lib/errors.ts';
import type { ProcessId } from '../lib/process-id.ts';
import type { LabSettings } from './settings.ts';
import type { LabState } from './state.ts';
import { addressOf, inSwitch, macOf, nodePort, run, siteBridge } from './switch.ts';

/** Runs a program of this machine in the node's network. */
export function inNodeNetwork(settings: LabSettings, init: ProcessId, argv: string[], input?: string): Promise<string> {
  return run(settings, 'nsenter', [`--net=/proc/${init.pid}/ns/net`, ...argv], input);
}

/** Plugs a fresh node into its site's bridge and gives it its address. */
export async function connectNode(
  settings: LabSettings,
  lab: LabState,
  node: { name: string; site: string },
  init: ProcessId,
): Promise<void> {
  const { last, subnet } = place(lab, node.name);
  const port = nodePort(last);
  const pair = `link add ${port} type veth peer name eth0 address ${macOf(subnet, last)} netns ${init.pid}`;
  const plug = `link set ${port} master ${siteBridge(lab, node.site)} up`;
  await inSwitch(settings, lab.spec.name, ['ip', '-batch', '-'], `${pair}\n${plug}`);
  await inNodeNetwork(settings, init, ['/bin/sh', '-c', `ip -batch - && ${neighbourScript}`], nodeScript(subnet, last));
}

export async function disconnectNode(settings: LabSettings, lab: LabState, node: string): Promise<void> {
  try {
    await inSwitch(settings, lab.spec.name, ['ip', 'link', 'del', nodePort(place(lab, node).last)]);
  } catch (error) {
    // the kernel removes a dead node's cable by itself, some time after the node
    if (!/Cannot find device/.test(messageOf(error))) throw error;
  }
}

export function place(lab: LabState, node: string): { last: number; subnet: number; address: string } {
  const last = lab.addresses[node] ?? 0;
  const subnet = lab.subnet ?? 0;
  return { last, subnet, address: addressOf(subnet, last) };
}

function nodeScript(subnet: number, last: number): string {
  return [
    'link set lo up',
    `addr add ${addressOf(subnet, last)}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${addressOf(subnet, 1)}`,
  ].join('\n');
}

// Answers for other addresses come at once instead of after up to 0.8 s.
const neighbourScript =
  'echo 0 >/proc/sys/net/ipv4/neigh/eth0/proxy_delay && { [ ! -d /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; }';
