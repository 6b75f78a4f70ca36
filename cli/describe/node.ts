import type { NodeRecord } from '../../lib/contract/node.ts';
import type { Hub } from '../hub-client.ts';
import { nodeStatus, nodes, versionsOf } from '../kinds/nodes.ts';
import { movable, workloads } from '../kinds/workloads.ts';
import { age, bytes } from '../output.ts';
import { unknownName } from '../suggest.ts';
import { fields, section } from './text.ts';

/** @throws E_UNKNOWN_NODE */
export async function describeNode(hub: Hub, name: string, now: number): Promise<string> {
  const all = await nodes.list(hub, Number.MAX_SAFE_INTEGER);
  const node = all.find((one) => one.name === name);
  if (!node)
    throw unknownName(
      'E_UNKNOWN_NODE',
      'node',
      name,
      all.map((one) => one.name),
      'godwit get nodes',
    );
  return nodeText(node, now);
}

export function nodeText(node: NodeRecord, now: number): string {
  const uplink = node.uplinkBytesPerSecond;
  return [
    fields({
      Node: node.name,
      Status: `${nodeStatus(node, now)}, seen ${age(node.updatedAt, now)} ago`,
      Site: node.site,
      Tier: node.tier,
      Address: node.address,
      Capacity: `${node.capacity.cores} cores, ${bytes(node.capacity.memoryBytes)}`,
      Uplink: uplink === undefined ? undefined : `${bytes(uplink)}/s`,
      Engines: node.engines.join(', '),
      Versions: versionsOf(node),
    }),
    section('\nWorkloads', fields(Object.fromEntries(node.workloads.map((one) => [one.name, line(one)])), '  ')),
  ].join('');
}

const line = (workload: NodeRecord['workloads'][number]): string =>
  `keeps ${workload.keeps}, movable: ${movable(workload)}${workload.obstacle ? `, ${workload.obstacle}` : ''}`;

/** @throws E_UNKNOWN_WORKLOAD */
export async function describeWorkload(hub: Hub, name: string, now: number): Promise<string> {
  const all = await workloads.list(hub, Number.MAX_SAFE_INTEGER);
  const found = all.filter((one) => one.name === name);
  if (found.length === 0)
    throw unknownName(
      'E_UNKNOWN_WORKLOAD',
      'workload',
      name,
      all.map((one) => one.name),
      'godwit get workloads',
    );
  return found
    .map((workload) =>
      fields({
        Workload: workload.name,
        Node: workload.node,
        Home: workload.home,
        Keeps: workload.keeps,
        Strategy: workload.strategy,
        Movable: movable(workload),
        Obstacle: workload.obstacle,
        Address: workload.address,
        Image: workload.image,
        Priority: workload.priority,
        'Requested cores': workload.requestedCores,
        'Requested memory':
          workload.requestedMemoryBytes === undefined ? undefined : bytes(workload.requestedMemoryBytes),
        Age: age(workload.startedAt, now),
      }),
    )
    .join('\n');
}
