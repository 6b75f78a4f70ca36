import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { KeyedQueue } from '../../lib/keyed-queue.ts';
import type { Logger } from '../../lib/logger.ts';
import { readContainer } from '../engine/container.ts';
import type { AddressMover } from '../network/address.ts';
import { type ContainerDeps, createContainer, removeContainer, startCreated } from './container.ts';
import { listManaged, type Managed, readManaged } from './store.ts';

export interface SuperviseDeps extends ContainerDeps {
  address: AddressMover;
  log: Logger;
  /** Starts of one workload, in turn. */
  starts: KeyedQueue;
}

/** Starts a managed workload that does not run: after its program ended, a cold move was aborted, or the node rebooted. */
export function ensureRunning(deps: SuperviseDeps, name: string): Promise<void> {
  return deps.starts(name, async () => {
    const managed = await readManaged(deps.paths, name);
    if (!managed)
      throw new GodwitError('E_UNKNOWN_WORKLOAD', `${name} is not kept on this node, it can not be started again`);
    const container = await readContainer(deps.paths.runcRoot, name);
    if (container?.alive) return;
    if (container) await removeContainer(name, deps);
    await startManaged(managed, deps);
  });
}

/** Creates and starts the container, and takes its address. */
export async function startManaged(managed: Managed, deps: SuperviseDeps): Promise<void> {
  const { name, address } = managed.spec;
  await createContainer(managed, `r${deps.clock.now().toString(36)}`, deps);
  await startCreated(name, deps);
  if (address) await deps.address.take(name, address);
}

export interface Supervisor {
  /** Looks at every managed workload once and starts what should run and does not. */
  tick(): Promise<void>;
}

const firstDelayMs = 500;
const longestDelayMs = 60_000;

/** `claimed` names workloads that belong to a migration in flight: nobody but its saga may start them. */
export function createSupervisor(deps: SuperviseDeps, claimed: (workload: string) => boolean): Supervisor {
  const retries = new Map<string, { count: number; notBefore: number }>();
  const revive = async (managed: Managed): Promise<void> => {
    const { name } = managed.spec;
    if (managed.state !== 'running' || managed.spec.restartPolicy === 'never' || claimed(name)) return;
    const container = await readContainer(deps.paths.runcRoot, name);
    if (container?.alive) return;
    const retry = retries.get(name) ?? { count: 0, notBefore: 0 };
    if (deps.clock.monotonic() < retry.notBefore) return;
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** retry.count);
    retries.set(name, { count: retry.count + 1, notBefore: deps.clock.monotonic() + delay });
    deps.log.warn({ workload: name, attempt: retry.count + 1 }, 'workload ended; starting it again');
    await ensureRunning(deps, name);
  };
  return {
    tick: async () => {
      for (const managed of await listManaged(deps.paths)) {
        try {
          await revive(managed);
        } catch (error) {
          deps.log.error({ workload: managed.spec.name, reason: messageOf(error) }, 'workload could not be started');
        }
      }
    },
  };
}
