import { GodwitError } from '../lib/errors.ts';
import { isRunning } from '../lib/process-id.ts';
import { withLabLock } from './lock.ts';
import { inNodeNetwork, place } from './ports.ts';
import type { LabSettings } from './settings.ts';
import { type LabState, type LinkState, readNode, requireLab, type Shape, writeLab } from './state.ts';
import { inSwitch, nodePort } from './switch.ts';

/** A node's own cable, or the uplink that joins all of a site to the rest. */
export type LinkEnd = { node: string } | { site: string };

const linkKey = (end: LinkEnd): string => ('node' in end ? `node:${end.node}` : `site:${end.site}`);

interface Cable {
  /** Port of the bridge at which the cable is cut; what leaves by it goes towards the node or the site. */
  port: string;
  /** Site: the uplink's other end, in the switch. Node: `eth0` in the node. */
  far: { device: string; node?: string };
}

/** @throws E_LAB when there is no such node or site */
function cableOf(lab: LabState, key: string): Cable {
  const [kind, name = ''] = key.split(/:(.*)/);
  if (kind === 'node' && lab.addresses[name] !== undefined)
    return { port: nodePort(place(lab, name).last), far: { device: 'eth0', node: name } };
  if (kind === 'site' && lab.sites[name] !== undefined)
    return { port: `up${lab.sites[name]}`, far: { device: `down${lab.sites[name]}` } };
  throw new GodwitError('E_LAB', `lab ${lab.spec.name} has no ${kind} ${name}`);
}

/** Cuts the cable, or makes it whole. */
export async function applyCut(settings: LabSettings, lab: LabState, key: string, { cut }: LinkState): Promise<void> {
  const { port } = cableOf(lab, key);
  // a port in the state `disabled` drops both ways at once and leaves the carrier: nobody is told, as with a cut further on
  const mode = cut ? 'disabled' : 'forwarding';
  await inSwitch(settings, lab.spec.name, ['bridge', 'link', 'set', 'dev', port, 'state', bridgeStates[mode]]);
}

/** Limits the cable both ways, or takes the limit away. */
export async function applyShape(settings: LabSettings, lab: LabState, key: string, state: LinkState): Promise<void> {
  const { port, far } = cableOf(lab, key);
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

/** Changes what is wanted of a cable and then, by `apply`, the cable. @throws E_LAB when there is no such node or site */
export function changeLink(
  settings: LabSettings,
  name: string,
  end: LinkEnd,
  change: (state: LinkState) => LinkState,
  apply: typeof applyCut,
): Promise<void> {
  return withLabLock(name, async () => {
    const lab = await requireLab(settings, name);
    const key = linkKey(end);
    cableOf(lab, key);
    const state = change(lab.links[key] ?? { cut: false });
    // written first: a caller that dies in between has its wish fulfilled by the next `up`
    await writeLab(settings, { ...lab, links: { ...lab.links, [key]: state } });
    await apply(settings, lab, key, state);
  });
}
