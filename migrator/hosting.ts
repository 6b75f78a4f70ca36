import type { NatsConnection } from '@nats-io/transport-node';
import { openStore } from '../lib/bus/kv.ts';
import type { Workload } from '../lib/contract/node.ts';
import { podDeclarationsSchema } from '../lib/contract/pod.ts';
import { messageOf } from '../lib/errors.ts';
import type { WorkloadHost } from './agent/host.ts';
import { claims, isDraining, isLostCopy } from './agent/journal.ts';
import { obstacleOf } from './agent/prepare.ts';
import type { Container } from './engine/container.ts';
import { installRestoreHold } from './engine/restore-hold.ts';
import { every } from './every.ts';
import { createDeclarations } from './pods/declarations.ts';
import { createPodHost, podObstacle } from './pods/host.ts';
import { forgetImages, isRecentlyEnded } from './pods/image-path.ts';
import { listPods } from './pods/list.ts';
import { tidyMarks } from './pods/marks.ts';
import { serveRuntime } from './pods/waiters.ts';
import { createContainerHost, type HostDeps } from './workloads/host.ts';
import { type ListDeps, listWorkloads } from './workloads/list.ts';
import { rememberObstacles } from './workloads/obstacles.ts';
import { createSupervisor } from './workloads/supervise.ts';

/** Who keeps this node's workloads, and what goes on for as long as the migrator runs. */
export interface Hosting {
  host: WorkloadHost;
  /** As the node's record shows them. */
  workloads(): Promise<Workload[]>;
  inbound?: () => string[];
  /** Ends when `signal` is aborted. */
  run(connection: NatsConnection, options: { signal: AbortSignal }): Promise<void>;
  close(): void;
}

/** By the node's engine. `onChange`: the node's record has to be looked at anew. */
export function openHosting(deps: HostDeps, onChange: () => void): Promise<Hosting> {
  return deps.config.engine === 'kubernetes' ? hostPods(deps, onChange) : hostContainers(deps);
}

const complain =
  ({ log }: HostDeps, what: string) =>
  (error: unknown) =>
    log.warn({ reason: messageOf(error) }, `${what} failed; trying again`);

const isClaimed = ({ journals, boot }: HostDeps, workload: string): boolean =>
  journals.all().some((journal) => claims(journal, workload, boot));

function listDeps(deps: HostDeps, look: (container: Container) => Promise<string | undefined>): ListDeps {
  const { config, paths, journals, clock } = deps;
  return {
    node: config.name,
    paths,
    obstacleOf: rememberObstacles(look, clock),
    isStopped: (workload) => isClaimed(deps, workload),
    lostIn: (workload) => journals.all().find((journal) => isLostCopy(journal, workload))?.migration,
  };
}

async function hostContainers(deps: HostDeps): Promise<Hosting> {
  const list = listDeps(deps, (container) => obstacleOf(container, deps.exec));
  const draining = (workload: string): boolean => deps.journals.all().some((journal) => isDraining(journal, workload));
  const supervisor = createSupervisor(deps, (workload) => isClaimed(deps, workload) || draining(workload));
  const { clock } = deps;
  return {
    host: createContainerHost(deps),
    workloads: () => listWorkloads(list),
    run: (_connection, options) =>
      every(1000, supervisor.tick, { ...options, clock, onError: complain(deps, 'supervisor') }),
    close: () => undefined,
  };
}

async function hostPods(deps: HostDeps, onChange: () => void): Promise<Hosting> {
  const { paths, journals, boot, log, clock, config, exec } = deps;
  const declarations = createDeclarations();
  if (config.imagePath) await installRestoreHold(paths);
  const waiters = await serveRuntime({ paths, journals, boot, log, onChange });
  const list = { ...listDeps(deps, (container) => podObstacle(container, exec)), declarations };
  return {
    host: await createPodHost({ ...deps, declarations, waiters }),
    workloads: async () => {
      await declarations.heard;
      return listPods(list);
    },
    inbound: waiters.migrations,
    run: async (connection, options) => {
      const store = await openStore(connection, 'pods', podDeclarationsSchema, log);
      const tidy = async (): Promise<void> => {
        await tidyMarks(paths, journals.all());
        const ended = journals.all().filter((journal) => isRecentlyEnded(journal, clock.now()));
        await forgetImages(ended, exec);
      };
      await Promise.all([
        declarations.follow(store, { ...options, node: config.name, onChange, clock, log }),
        every(5000, tidy, { ...options, clock, onError: complain(deps, 'tidying') }),
      ]);
    },
    close: waiters.close,
  };
}
