import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nameSchema } from '../../lib/contract/names.ts';
import { GodwitError } from '../../lib/errors.ts';
import { type AgentContext, placeOf } from '../agent/context.ts';
import type { SourceHost, TargetHost, WorkloadHost } from '../agent/host.ts';
import type { TargetJournal } from '../agent/journal.ts';
import { obstacleOf } from '../agent/prepare.ts';
import { refuseOccupied } from '../agent/room.ts';
import { readConfig, readContainer } from '../engine/container.ts';
import { drainJob, restoreJob } from '../engine/engine.ts';
import { freeze, freezerOf, thaw } from '../engine/freezer.ts';
import { killJob, startJob } from '../engine/job.ts';
import { resetConnections } from '../network/netns.ts';
import { workloadFolders } from '../paths.ts';
import { mountRootfs } from './bundle.ts';
import {
  createContainer,
  killCopy,
  prepareCopy,
  removeContainer,
  removeWorkload,
  startCreated,
  stopContainer,
} from './container.ts';
import { findImage, receiveImage } from './images.ts';
import { logPipe } from './log.ts';
import { type Managed, readManaged, writeManaged } from './store.ts';
import { ensureRunning } from './supervise.ts';

export type HostDeps = Omit<AgentContext, 'host'>;

/** Containers that Godwit keeps itself, and those that somebody else's runc has started. */
export function createContainerHost(deps: HostDeps): WorkloadHost {
  const { paths, exec } = deps;
  const find = (workload: string) => readContainer(paths.runcRoot, workload);
  return {
    strategies: ['restart', 'cold', 'warm'],
    find,
    copyOf: ({ workload }) => find(workload),
    pin: async () => undefined,
    specOf: async (_workload, container) => {
      const managed = await readManaged(paths, container.id);
      if (managed) return managed.spec;
      return {
        name: nameSchema.parse(container.id),
        image: 'unmanaged',
        keeps: 'memory',
        strategy: 'auto',
        home: deps.config.name,
        restartPolicy: 'never',
        migrate: true,
        priority: 0,
        startedAt: container.createdAt,
        config: await readConfig(container),
      };
    },
    obstacleOf: (container) => obstacleOf(container, exec),
    // the overlay's upper layer, or the whole root when the workload has no image here
    filesOf: async (spec, { container }) => {
      const folders = workloadFolders(paths, spec.name);
      const folder = spec.image !== 'unmanaged' ? folders.upper : (container?.rootfs ?? folders.rootfs);
      return { folder, parts: [folder], within: [] };
    },
    settle: async () => undefined,
    source: sourceHost(deps),
    target: targetHost(deps),
  };
}

function sourceHost(deps: HostDeps): SourceHost {
  return {
    freeze: (container) => freeze(freezerOf(container.cgroupPaths), deps.clock),
    checkpoint: async () => {
      throw new GodwitError('E_STALE', 'only a pod moves as an image');
    },
    // the supervisor looks into the journals
    guard: async () => undefined,
    stop: (container, graceMs) => stopContainer(container, graceMs, deps),
    runAgain: async (journal) => {
      const container = await readContainer(deps.paths.runcRoot, journal.workload);
      if (container?.alive) await thaw(freezerOf(container.cgroupPaths), deps.clock);
      else await ensureRunning(deps, journal.workload);
      const address = journal.prepared?.spec.address;
      if (address && (journal.switched || journal.attested)) await deps.address.take(journal.workload, address);
    },
    switchAway: async (_journal, { name, address }) => {
      if (!address) return false;
      await deps.address.drop(name, address);
      // only now: whoever connects anew must not come here once more
      await resetConnections(name, deps.exec);
      return true;
    },
    end: async (_journal, { name }) => {
      await removeContainer(name, deps);
      await removeWorkload(name, deps);
    },
  };
}

/** A short name for this copy; unique among the copies of the workload, because a cgroup must never be shared. */
const copyName = (migration: string): string => migration.slice(-12).toLowerCase();

function targetHost(deps: HostDeps): TargetHost {
  const { paths, exec } = deps;
  const managedOf = async ({ workload }: TargetJournal): Promise<Managed> => {
    const managed = await readManaged(paths, workload);
    if (!managed) throw new GodwitError('E_STALE', `${workload} was never prepared here`);
    return managed;
  };
  // runc keeps this file until a created container is started
  const mayHaveStarted = ({ workload }: TargetJournal): boolean =>
    !existsSync(join(paths.runcRoot, workload, 'exec.fifo'));
  return {
    receive: async ({ migration }, { spec }) => {
      await refuseOccupied(deps, spec.name);
      const image = spec.image === 'unmanaged' ? '' : await findImage(paths, spec.image);
      const managed: Managed = { spec, state: 'inbound', image: image ?? '' };
      await writeManaged(paths, managed);
      const { bundle, upper, rootfs } = workloadFolders(paths, spec.name);
      for (const folder of [bundle, upper, rootfs]) await mkdir(folder, { recursive: true, mode: 0o755 });
      await prepareCopy(managed, copyName(migration), deps);
      return image === undefined ? { missingImage: spec.image } : {};
    },
    takeImage: async (journal, body) => {
      const managed = await managedOf(journal);
      await receiveImage(paths, journal.spec.image, body);
      await writeManaged(paths, { ...managed, image: (await findImage(paths, journal.spec.image)) ?? '' });
    },
    filesComplete: async (journal) => {
      const { image } = await managedOf(journal);
      if (journal.spec.image !== 'unmanaged') await mountRootfs(paths, journal.workload, image, exec);
    },
    create: async (journal) => {
      if (await readContainer(paths.runcRoot, journal.workload)) return;
      await createContainer(await managedOf(journal), copyName(journal.migration), deps);
    },
    start: async (journal) => {
      const container = await readContainer(paths.runcRoot, journal.workload);
      if (!container?.alive || !mayHaveStarted(journal)) await startCreated(journal.workload, deps);
    },
    mayHaveStarted,
    launch: (journal) => (args, env) => {
      const place = placeOf(deps, journal.migration);
      const { bundle, log } = workloadFolders(paths, journal.workload);
      const all = ['--root', paths.runcRoot, '--log', join(place.work, 'runc-restore.log'), 'restore', '--detach'];
      all.push(...args, '--bundle', bundle, journal.workload);
      return startJob(restoreJob(place), { file: 'runc', args: all, env, output: logPipe(log) });
    },
    adopt: async (journal) => {
      const { address } = journal.spec;
      const managed = await managedOf(journal);
      const noting = writeManaged(paths, { ...managed, state: 'running' });
      // connections wait in the copy's own kernel queue until it runs
      const taking = address ? deps.address.take(journal.workload, address) : Promise.resolve();
      for (const done of await Promise.allSettled([taking, noting])) if (done.status === 'rejected') throw done.reason;
    },
    destroy: async ({ workload, migration }) => {
      await killCopy(workload, copyName(migration), deps);
      await removeWorkload(workload, deps);
    },
    withdraw: async ({ workload, spec, runningAt }) => {
      if (spec.address && runningAt !== undefined) await deps.address.drop(workload, spec.address);
    },
    startAnew: async (journal) => {
      const managed = await readManaged(paths, journal.workload);
      if (!managed || managed.image === '')
        throw new GodwitError('E_RECORD', `${journal.workload} can not be started from its files on this node`);
      await killJob(drainJob(placeOf(deps, journal.migration)));
      await removeContainer(journal.workload, deps);
      await writeManaged(paths, { ...managed, state: 'running' });
      await ensureRunning(deps, journal.workload);
    },
  };
}
