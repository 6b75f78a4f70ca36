import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkloadSpec } from '../../lib/contract/agent.ts';
import { podContainerOf } from '../../lib/cri.ts';
import { GodwitError } from '../../lib/errors.ts';
import { placeOf } from '../agent/context.ts';
import type { SourceHost, TargetHost, WorkloadHost } from '../agent/host.ts';
import type { PodPlace, TargetJournal } from '../agent/journal.ts';
import { obstacleOf } from '../agent/prepare.ts';
import { checkpointToImage, pause, resume } from '../engine/checkpoint.ts';
import { type Container, listContainers, readContainer } from '../engine/container.ts';
import { drainJob, restoreJob } from '../engine/engine.ts';
import { freeze, freezerOf, thaw } from '../engine/freezer.ts';
import { jobFiles, jobState, killJob, waitFor } from '../engine/job.ts';
import { canForward, endForward, forwardFrom, forwardNoMore, podAddressIn } from '../network/forward.ts';
import { resetConnectionsIn } from '../network/netns.ts';
import type { HostDeps } from '../workloads/host.ts';
import type { Declarations } from './declarations.ts';
import { guardHosts, unguardHosts } from './hosts-guard.ts';
import { checkpointFor, checkpointOf, forgetImages, receiveImage, removeCheckpoint } from './image-path.ts';
import { dropGuard, markArrived, setGuard } from './marks.ts';
import { type Bundle, cgroupPath, killContainer, ownMounts, podFiles, podFolderIn, readBundle } from './place.ts';
import type { Waiter, Waiters } from './waiters.ts';

export interface PodHostDeps extends HostDeps {
  declarations: Declarations;
  waiters: Waiters;
}

const hearMs = 2000;

/** Containers of pods: a kubelet creates and removes them, containerd's shim is their parent, and godwit-runtime stands between. */
export async function createPodHost(deps: PodHostDeps): Promise<WorkloadHost> {
  const { paths, exec, clock, declarations } = deps;
  const stage = join(paths.run, 'stage');
  await mkdir(stage, { recursive: true, mode: 0o700 });
  const forwards = await canForward(exec);
  if (!forwards) deps.log.warn('no nft here: clients of a pod that has moved wait until the cluster knows its copy');
  return {
    strategies: ['restart', 'cold', 'warm'],
    find: async (workload) => {
      // an agent that has just started
      await Promise.race([declarations.heard, clock.sleep(hearMs)]);
      return (await listContainers(paths.runcRoot)).find((container) => {
        const pod = podContainerOf(container.labels);
        return container.alive && pod && declarations.of(pod)?.name === workload;
      });
    },
    copyOf: async ({ pod }) => (pod ? readContainer(paths.runcRoot, pod.container) : undefined),
    pin,
    specOf: (_workload, container) => specOf(deps, container),
    obstacleOf: (container) => podObstacle(container, exec),
    filesOf: async (_spec, { pod, container }) => {
      const place = pod ?? (container && (await pin(container)));
      if (!place) throw new GodwitError('E_STALE', 'the container of this migration is not known');
      return podFiles(place, stage);
    },
    settle: async (journal) => {
      if (journal.role === 'source') return removeCheckpoint(journal, exec);
      await forgetImages([journal], exec);
      if (!journal.pod || journal.destroyed || journal.runningAt === undefined) return;
      await markArrived(paths, journal.pod, journal.migration);
      // whoever came by the old pod would wait for ever once that is gone
      const { podAddress } = journal.spec;
      if (podAddress && journal.pod.network) await resetConnectionsIn(journal.pod.network, exec, podAddress);
    },
    source: sourceHost(deps, forwards),
    target: targetHost(deps),
  };
}

async function pin(container: Container): Promise<PodPlace> {
  return placeIn(podContainerOf(container.labels)?.uid ?? '', container.id, container.bundle);
}

const networkOf = ({ linux }: Bundle): string | undefined =>
  linux.namespaces.find(({ type }) => type === 'network')?.path;

async function placeIn(uid: string, container: string, bundle: string): Promise<PodPlace> {
  const config = await readBundle(bundle);
  const folder = podFolderIn(config, uid);
  if (!folder) throw new GodwitError('E_PREFLIGHT', `no mount of ${container} tells where the kubelet keeps its pod`);
  const network = networkOf(config);
  const cgroup = cgroupPath(config.linux.cgroupsPath);
  return { uid, folder, container, bundle, cgroup, ...(network !== undefined && { network }) };
}

export async function podObstacle(container: Container, exec: HostDeps['exec']): Promise<string | undefined> {
  const uid = podContainerOf(container.labels)?.uid ?? '';
  return obstacleOf(container, exec, ownMounts(uid, container.labels['io.kubernetes.cri.sandbox-id'] ?? ''));
}

async function specOf({ declarations, config, exec }: PodHostDeps, container: Container): Promise<WorkloadSpec> {
  const pod = podContainerOf(container.labels);
  const declared = pod && declarations.of(pod);
  if (!declared)
    throw new GodwitError('E_UNKNOWN_WORKLOAD', `${container.id} is not declared a workload of ${config.name}`);
  if (declared.obstacle)
    throw new GodwitError('E_PREFLIGHT', `${declared.name} can not move: ${declared.obstacle}`, {
      next: 'remove the obstacle',
    });
  const { name, image, keeps, strategy, home, migrate, priority, requestedCores, requestedMemoryBytes } = declared;
  const checkpoint = await checkpointOf(declared, container, config);
  const bundle = await readBundle(container.bundle);
  const network = networkOf(bundle);
  const podAddress = network && (await podAddressIn(network, exec));
  // the target's pod has a configuration of its own, in which the same mounts have to be
  const mounts = bundle.mounts.map(({ destination }) => ({ destination }));
  return {
    ...{ name, image, keeps, strategy, home, migrate, priority },
    ...(requestedCores !== undefined && { requestedCores }),
    ...(requestedMemoryBytes !== undefined && { requestedMemoryBytes }),
    ...(checkpoint && { checkpoint }),
    ...(podAddress && { podAddress }),
    ...{ restartPolicy: 'always', startedAt: container.createdAt, config: { mounts } },
  };
}

function sourceHost(deps: PodHostDeps, forwards: boolean): SourceHost {
  const { paths, clock, exec, log } = deps;
  const requirePod = ({ pod }: { pod?: PodPlace | undefined }): PodPlace => {
    if (!pod) throw new GodwitError('E_STALE', 'the container of this migration is not known');
    return pod;
  };
  return {
    freeze: (container, { prepared }) =>
      prepared?.spec.checkpoint ? pause(container.id, exec) : freeze(freezerOf(container.cgroupPaths), clock),
    checkpoint: async (journal, options) => {
      const plan = checkpointFor(journal, deps.config);
      const made = await checkpointToImage(placeOf(deps, journal.migration), plan, deps.engine, options);
      log.info({ migration: journal.migration, image: plan.image, ...made }, 'the image is in its registry');
    },
    guard: async (journal) => {
      const pod = requirePod(journal);
      if (journal.prepared?.spec.checkpoint) await guardHosts(pod);
      if (!forwards) journal.podAddress = undefined;
      const container = await readContainer(paths.runcRoot, pod.container);
      const name = container && podContainerOf(container.labels)?.container;
      await setGuard(paths, pod, journal.migration, name ?? '');
    },
    // a container that has ended can not go on where it was, and a kubelet would start it without what it has written
    stop: (container) => freeze(freezerOf(container.cgroupPaths), clock),
    // where the container has ended meanwhile, the kubelet starts it anew
    runAgain: async ({ pod, prepared, frozenAt, podAddress }) => {
      if (pod?.network && podAddress && existsSync(pod.network)) await endForward(pod.network, exec);
      const container = pod && (await readContainer(paths.runcRoot, pod.container));
      if (container?.alive && prepared?.spec.checkpoint && frozenAt !== undefined) await resume(container.id, exec);
      else if (container?.alive) await thaw(freezerOf(container.cgroupPaths), clock);
      if (!pod) return;
      await unguardHosts(pod);
      await dropGuard(paths, pod);
    },
    switchAway: async (journal) => {
      const { network } = requirePod(journal);
      if (network === undefined || !existsSync(network)) return false;
      if (journal.podAddress) await forwardFrom(network, journal.podAddress, exec);
      return resetConnectionsIn(network, exec);
    },
    // the guard stays until the pod is gone: the kubelet would start the container again
    end: async (journal) => {
      const pod = requirePod(journal);
      if (journal.podAddress && pod.network && existsSync(pod.network)) {
        await clock.sleep(endpointsMs);
        await forwardNoMore(pod.network, exec);
      }
      await killContainer(pod, clock);
    },
  };
}

/**
 * About as long as it takes until the copy's pod is among the endpoints of its Services: a second each for kubelet and readiness probe.
 * The source's, which forwards, is among them until a kubelet sees that its container has ended.
 */
const endpointsMs = 2000;

const waitMs = 12_000;
const startMs = 5000;

function targetHost(deps: PodHostDeps): TargetHost {
  const { paths, waiters, journals, clock, config } = deps;
  const waiterOf = ({ migration, pod }: TargetJournal): Waiter => {
    const waiter = waiters.of(migration);
    if (waiter && waiter.container === pod?.container) return waiter;
    throw new GodwitError('E_RESTORE', `the pod on ${config.name} does not wait for its copy any more`);
  };
  const isRunning = async ({ pod }: TargetJournal): Promise<boolean> => {
    const container = pod && (await readContainer(paths.runcRoot, pod.container));
    // runc keeps that file until a created container is started
    return (container?.alive ?? false) && !existsSync(join(paths.runcRoot, pod?.container ?? '', 'exec.fifo'));
  };
  return {
    receive: async (journal, { spec, strategy }, { signal }) => {
      if (spec.checkpoint && strategy === 'warm') {
        await receiveImage(spec.checkpoint, config.name, deps.exec);
        return {};
      }
      const patience = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
      const waiter = await waiters.until(journal.migration, patience).catch((error: unknown) => {
        throw new GodwitError('E_PREFLIGHT', `no pod waits on ${config.name} for migration ${journal.migration}`, {
          cause: error,
          next: 'is the pod there, and its runtime class godwit?',
        });
      });
      await refuseUnfit(spec, waiter);
      waiter.adopt();
      journal.pod = await placeIn(waiter.pod.uid, waiter.container, waiter.bundle);
      const { network } = journal.pod;
      const podAddress = network && (await podAddressIn(network, deps.exec));
      return podAddress ? { podAddress } : {};
    },
    takeImage: async () => {
      throw new GodwitError('E_STALE', "a pod's image comes from its registry");
    },
    filesComplete: async () => undefined,
    create: async (journal) => void waiterOf(journal),
    // written down first: from here on nobody can say that it does not run
    start: async (journal, { signal }) => {
      if (!journal.letGo) {
        waiterOf(journal);
        journal.letGo = true;
        await journals.save(journal);
      }
      waiters.of(journal.migration)?.answer({ do: 'create' });
      while (!(await isRunning(journal))) await clock.sleep(5, { signal });
    },
    mayHaveStarted: ({ letGo }) => letGo === true,
    launch: (journal, options) => (flags, env) => launch(deps, journal, flags, env, options.signal, waiterOf),
    adopt: async () => undefined,
    destroy: async (journal) => {
      waiters.refuse(journal.migration, `migration ${journal.migration} was rolled back`);
      if (journal.pod) await killContainer(journal.pod, clock);
    },
    withdraw: async () => undefined,
    startAnew: async (journal) => {
      await killJob(drainJob(placeOf(deps, journal.migration)));
      if (journal.pod) await killContainer(journal.pod, clock);
    },
  };
}

/** @throws E_PREFLIGHT when what waits is not for this workload, or lacks one of its mounts */
async function refuseUnfit(spec: WorkloadSpec, { pod, bundle }: Waiter): Promise<void> {
  if (pod.workload !== spec.name)
    throw new GodwitError('E_PREFLIGHT', `the pod ${pod.pod} waits for ${pod.workload}, not for ${spec.name}`);
  const there = new Set((await readBundle(bundle)).mounts.map(({ destination }) => destination));
  const wanted = (spec.config.mounts ?? []) as { destination: string }[];
  const missing = wanted.find(({ destination }) => !there.has(destination));
  if (missing)
    throw new GodwitError('E_PREFLIGHT', `the pod ${pod.pod} has no mount at ${missing.destination}`, {
      next: 'the pods at source and target need the same volumes',
    });
}

/** Tells the waiting godwit-runtime to restore; an agent that was restarted finds it at work. */
async function launch(
  deps: PodHostDeps,
  journal: TargetJournal,
  flags: readonly string[],
  env: Record<string, string>,
  signal: AbortSignal,
  waiterOf: (journal: TargetJournal) => Waiter,
): Promise<void> {
  const place = placeOf(deps, journal.migration);
  const job = restoreJob(place);
  const soon = AbortSignal.any([signal, AbortSignal.timeout(startMs)]);
  if (await jobState(job)) return;
  // after a restart of this agent it asks anew
  await deps.waiters.until(journal.migration, soon).catch(() => undefined);
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  waiterOf(journal).answer({ do: 'restore', args: flags, env: lines, ...jobFiles(job) });
  await waitFor(place.jobs, soon, () => jobState(job));
}
