import { GodwitError } from '../lib/errors.ts';
import { inNodeNetwork, place } from './ports.ts';
import { isRunning } from './process-id.ts';
import type { LabSettings } from './settings.ts';
import { type LabState, type LinkState, readNode, type Shape } from './state.ts';
import { inSwitch, nodePort } from './switch.ts';

/** A node's own cable, or the uplink that joins all of a site to the rest. */
export type LinkEnd = { node: string } | { site: string };

export const linkKey = (end: LinkEnd): string => ('node' in end ? `node:${end.node}` : `site:${end.site}`);

export const isPlain = ({ cut, shape }: LinkState): boolean => !cut && !shape;

interface Cable {
  /** Port of the bridge at which the cable is cut; what leaves by it goes towards the node or the site. */
  port: string;
  /** Site: the uplink's other end, in the switch. Node: `eth0` in the node. */
  far: { device: string; node?: string };
}

function cableOf(lab: LabState, key: string): Cable {
  const [kind, name = ''] = key.split(/:(.*)/);
  if (kind === 'node' && lab.addresses[name] !== undefined)
    return { port: nodePort(place(lab, name).last), far: { device: 'eth0', node: name } };
  if (kind === 'site' && lab.sites[name] !== undefined)
    return { port: `up${lab.sites[name]}`, far: { device: `down${lab.sites[name]}` } };
  throw new GodwitError('E_LAB', `lab ${lab.spec.name} has no ${kind} ${name}`);
}

/** Brings the cable into the given state. */
export async function applyLink(settings: LabSettings, lab: LabState, key: string, state: LinkState): Promise<void> {
  const { port, far } = cableOf(lab, key);
  // a port in the state `disabled` drops both ways at once and leaves the carrier: nobody is told, as with a cut further on
  const mode = state.cut ? 'disabled' : 'forwarding';
  await inSwitch(settings, lab.spec.name, ['bridge', 'link', 'set', 'dev', port, 'state', bridgeStates[mode]]);
  await inSwitch(settings, lab.spec.name, shapeCommand(port, state.shape));
  if (far.node === undefined) await inSwitch(settings, lab.spec.name, shapeCommand(far.device, state.shape));
  else await shapeNode(settings, lab, far.node, shapeCommand(far.device, state.shape));
}

/** Numbers of linux/if_bridge.h */
const bridgeStates = { disabled: '0', forwarding: '3' };

async function shapeNode(settings: LabSettings, lab: LabState, node: string, command: string[]): Promise<void> {
  const state = await readNode(settings, lab.spec.name, node);
  if (state && (await isRunning(state.init))) await inNodeNetwork(settings, state.init, command);
}

/** tc-tbf(8) at the device's way out; without a shape, the device's own queue again. */
function shapeCommand(device: string, shape: Shape | undefined): string[] {
  const filter = shape
    ? ['tbf', 'rate', `${shape.rateBitsPerSecond}bit`, 'burst', `${shape.burstBytes}b`, 'latency', `${shape.queueMs}ms`]
    : ['noqueue'];
  return ['tc', 'qdisc', 'replace', 'dev', device, 'root', ...filter];
}
