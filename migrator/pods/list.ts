import type { Workload } from '../../lib/contract/node.ts';
import { podContainerOf } from '../../lib/cri.ts';
import { type Container, listContainers } from '../engine/container.ts';
import { type ListDeps, lostText } from '../workloads/list.ts';
import type { Declarations } from './declarations.ts';

/** The declared pods of this node whose containers run, as the node's record shows them. */
export async function listPods(deps: ListDeps & { declarations: Declarations }): Promise<Workload[]> {
  const found = await Promise.all(
    (await listContainers(deps.paths.runcRoot)).map((container) => describe(deps, container)),
  );
  return found.filter((workload) => workload !== undefined);
}

async function describe(
  deps: ListDeps & { declarations: Declarations },
  container: Container,
): Promise<Workload | undefined> {
  const pod = podContainerOf(container.labels);
  const declared = pod && deps.declarations.of(pod);
  if (!declared) return undefined;
  const lostIn = deps.lostIn(declared.name);
  if (lostIn === undefined && (!container.alive || deps.isStopped(declared.name))) return undefined;
  const { uid: _uid, namespace, pod: name, container: _container, checkpoints: _, obstacle: known, ...rest } = declared;
  const own = known ?? (await deps.obstacleOf(container).catch(() => undefined));
  const obstacle = lostIn === undefined ? own : lostText(lostIn);
  return {
    ...rest,
    startedAt: container.createdAt,
    pod: { namespace, name },
    ...(obstacle !== undefined && { obstacle }),
    ...(lostIn !== undefined && { lost: true }),
  };
}
