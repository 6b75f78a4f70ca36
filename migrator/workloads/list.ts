import type { Workload } from '../../lib/contract/node.ts';
import { type Container, listContainers } from '../engine/container.ts';
import type { Paths } from '../paths.ts';
import { describeWorkload } from './describe.ts';
import { readManaged } from './store.ts';

export interface ListDeps {
  node: string;
  paths: Paths;
  /** Why the container can not move with its memory. */
  obstacleOf(container: Container): Promise<string | undefined>;
  /** True while the workload's copy here belongs to a migration and does not count as running. */
  isStopped(workload: string): boolean;
  /** Migration in which the copy here was lost. */
  lostIn(workload: string): string | undefined;
}

/** The containers of this node, as its record shows them. */
export async function listWorkloads(deps: ListDeps): Promise<Workload[]> {
  const found: Workload[] = [];
  for (const container of await listContainers(deps.paths.runcRoot)) {
    const lostIn = deps.lostIn(container.id);
    if (lostIn === undefined && (!container.alive || deps.isStopped(container.id))) continue;
    const managed = await readManaged(deps.paths, container.id).catch(() => undefined);
    if (lostIn === undefined && managed?.state === 'inbound') continue;
    const obstacle = lostIn === undefined ? await deps.obstacleOf(container).catch(() => undefined) : lostText(lostIn);
    const workload = describeWorkload(container, managed, deps.node, obstacle);
    if (workload) found.push(lostIn === undefined ? workload : { ...workload, lost: true });
  }
  return found;
}

export const lostText = (migration: string): string => `its memory was lost on the way: godwit resolve ${migration}`;
