import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { readIfPresent } from '../../lib/files.ts';
import { type Container, readContainer } from '../engine/container.ts';
import { freezerOf, killFrozen } from '../engine/freezer.ts';
import { forgetJob, type Job, jobState, startJob, waitFor } from '../engine/job.ts';
import { ensureNetns, removeNetns } from '../network/netns.ts';
import { type Paths, workloadFolders } from '../paths.ts';
import { copyCgroup, hasOwnNetwork, mountRootfs, unmountRootfs, writeBundle } from './bundle.ts';
import { logPipe } from './log.ts';
import type { Managed } from './store.ts';

export interface ContainerDeps {
  paths: Paths;
  exec: Exec;
  clock: Clock;
}

/** Everything a copy needs but the container itself: network namespace, bundle. Returns the bundle's folder. */
export async function prepareCopy(managed: Managed, copy: string, deps: ContainerDeps): Promise<string> {
  if (hasOwnNetwork(managed.spec)) await ensureNetns(managed.spec.name, managed.spec.address, deps.exec);
  return writeBundle(deps.paths, managed.spec, copy);
}

/** Creates the container, held as runc holds it: its first process waits, the program does not run yet. */
export async function createContainer(managed: Managed, copy: string, deps: ContainerDeps): Promise<void> {
  const bundle = await prepareCopy(managed, copy, deps);
  if (managed.image !== '') await mountRootfs(deps.paths, managed.spec.name, managed.image, deps.exec);
  const job = createJob(managed, deps.paths);
  await forgetJob(job);
  const log = workloadFolders(deps.paths, managed.spec.name).log;
  const runcLog = join(dirname(log), 'runc.log');
  await rm(runcLog, { force: true });
  const args = ['--root', deps.paths.runcRoot, '--log', runcLog, 'create', '--bundle', bundle, managed.spec.name];
  await startJob(job, { file: 'runc', args, output: logPipe(log) });
  const code = await waitForCreate(job, AbortSignal.timeout(30_000));
  if (code === 0) return;
  const said = (await readIfPresent(runcLog)) ?? '';
  throw new GodwitError('E_EXEC', `${managed.spec.name} could not be created: ${said.trim().slice(0, 500)}`);
}

export async function startCreated(name: string, deps: ContainerDeps): Promise<void> {
  await deps.exec('runc', ['--root', deps.paths.runcRoot, 'start', name]);
}

const createJob = (managed: Managed, paths: Paths): Job => ({
  folder: join(workloadFolders(paths, managed.spec.name).root, 'jobs'),
  name: 'create',
});

/** The status file is there when runc has ended; the pipe's writer lives on with the container. */
async function waitForCreate(job: Job, signal: AbortSignal): Promise<number> {
  await mkdir(job.folder, { recursive: true });
  return waitFor(job.folder, signal, async () => {
    const state = await jobState(job);
    return state && !state.running ? state.code : undefined;
  });
}

/** Asks the workload to end, waits for the grace time, then insists. */
export async function stopContainer(container: Container, graceMs: number, deps: ContainerDeps): Promise<void> {
  if (container.alive) process.kill(container.pid, 'SIGTERM');
  const until = deps.clock.monotonic() + graceMs;
  while (deps.clock.monotonic() < until) {
    const now = await readContainer(deps.paths.runcRoot, container.id);
    if (!now?.alive) break;
    await deps.clock.sleep(20);
  }
  await removeContainer(container.id, deps);
}

/** Ends the container at once, frozen or not, and forgets it. Nothing of it runs one more instruction if it was frozen. */
export async function removeContainer(id: string, deps: ContainerDeps): Promise<void> {
  const container = await readContainer(deps.paths.runcRoot, id);
  if (!container) return;
  await killFrozen(freezerOf(container.cgroupPaths), deps.clock);
  await deps.exec('runc', ['--root', deps.paths.runcRoot, 'delete', '--force', id]);
}

/** Ends a copy that runc may not know of yet, by the cgroup that is its alone; then what runc knows. */
export async function killCopy(name: string, copy: string, deps: ContainerDeps): Promise<void> {
  for (const hierarchy of ['freezer', 'unified', '']) {
    const path = join('/sys/fs/cgroup', hierarchy, copyCgroup(name, copy));
    if (!existsSync(path)) continue;
    if (existsSync(join(path, 'freezer.state'))) await killFrozen({ path, version: 1 }, deps.clock);
    else if (existsSync(join(path, 'cgroup.freeze'))) await killFrozen({ path, version: 2 }, deps.clock);
  }
  await removeContainer(name, deps);
}

/** Removes what Godwit made for the workload on this node; an unmanaged container's own bundle is left alone. */
export async function removeWorkload(name: string, deps: ContainerDeps): Promise<void> {
  await unmountRootfs(deps.paths, name, deps.exec);
  await removeNetns(name, deps.exec);
  const { root } = workloadFolders(deps.paths, name);
  if (existsSync(root)) await rm(root, { recursive: true, force: true });
}
