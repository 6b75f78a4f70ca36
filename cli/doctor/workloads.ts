import { messageOf } from '../../lib/errors.ts';
import { obstacleOf } from '../../migrator/agent/prepare.ts';
import { listContainers } from '../../migrator/engine/container.ts';
import { type Check, ok, warning } from './check.ts';

/** Why a container here can not move with its memory, if so. */
export const workloadObstacles: Check = async ({ node, exec }) => {
  if (!node) return [];
  const containers = (await listContainers(node.runcRoot)).filter(({ alive }) => alive);
  return Promise.all(
    containers.map(async (container) => {
      const check = `workload ${container.id}`;
      const obstacle = await obstacleOf(container, exec).catch(messageOf);
      if (!obstacle) return ok(check, 'can move with its memory');
      return warning(check, `can not move with its memory: ${obstacle}`, 'remove the obstacle, or use --strategy cold');
    }),
  );
};
