import { readFile } from 'node:fs/promises';
import type { VerbResult, WorkloadSpec } from '../../lib/contract/agent.ts';
import type { Keeps, RequestedStrategy, Strategy } from '../../lib/contract/names.ts';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { type Container, readConfig } from '../engine/container.ts';
import { cpuImage } from '../engine/cpu.ts';
import { freezerOf, isFrozen, pidsBelow } from '../engine/freezer.ts';
import { pagesProgram } from '../engine/pages-program.ts';
import { guardedAmong, obstacleTo, openFilesOf, usesMultipathTcp } from '../engine/preflight.ts';
import { ociConfigSchema } from '../workloads/bundle.ts';
import type { AgentContext } from './context.ts';
import { isLostCopy } from './journal.ts';

const byNeed: Record<Keeps, Strategy> = { nothing: 'restart', files: 'cold', memory: 'warm' };

/** Looks at a running workload and says what a move of it would be; stops nothing. @throws E_UNKNOWN_WORKLOAD, E_PREFLIGHT */
export async function prepareSource(
  context: AgentContext,
  workload: string,
  requested: RequestedStrategy,
): Promise<VerbResult<'prepare'>> {
  const container = await context.host.find(workload);
  if (!container?.alive)
    throw new GodwitError('E_UNKNOWN_WORKLOAD', `${workload} does not run on ${context.config.name}`);
  const lost = context.journals.all().find((journal) => isLostCopy(journal, workload));
  if (lost)
    throw new GodwitError('E_PREFLIGHT', `the memory of ${workload} was lost on its way to ${context.config.name}`, {
      next: `godwit resolve ${lost.migration}`,
    });
  if (await isFrozen(freezerOf(container.cgroupPaths)))
    throw new GodwitError('E_PREFLIGHT', `${workload} is paused`, { next: `resume it first: runc resume ${workload}` });
  const spec = await context.host.specOf(workload, container);
  const strategy = strategyFor(context, spec, requested);
  if (strategy === 'warm') await refuseObstacle(context, workload, container);
  const filesBytes = strategy === 'restart' ? 0 : await folderBytes(context, container, spec);
  if (strategy !== 'warm') return { spec, strategy, memoryBytes: 0, filesBytes };
  const pids = await pidsBelow(freezerOf(container.cgroupPaths).path);
  const [cpu, memoryBytes, dirty] = await Promise.all([
    cpuImage(context.exec),
    residentBytes(pids),
    dirtyBytesPerSecond(pids, context),
  ]);
  const written = dirty !== undefined && { dirtyBytesPerSecond: dirty };
  return { spec: cpu === undefined ? spec : { ...spec, cpu }, strategy, memoryBytes, filesBytes, ...written };
}

/** @throws E_PREFLIGHT for a strategy that this workload can not move by */
function strategyFor({ host }: AgentContext, spec: WorkloadSpec, requested: RequestedStrategy): Strategy {
  const wanted = requested === 'auto' ? spec.strategy : requested;
  const cheapest = host.strategies.includes(byNeed[spec.keeps]) ? byNeed[spec.keeps] : 'warm';
  const strategy = wanted === 'auto' ? cheapest : wanted;
  if (strategy === 'live' || strategy === 'application')
    throw new GodwitError('E_PREFLIGHT', `strategy ${strategy} is not built yet`, { next: 'use warm' });
  if (!host.strategies.includes(strategy))
    throw new GodwitError('E_PREFLIGHT', `strategy ${strategy} is not built yet for pods`, { next: 'use warm' });
  if (strategy === 'cold' && spec.image === 'unmanaged')
    throw new GodwitError(
      'E_PREFLIGHT',
      `${spec.name} was not started by Godwit, which could not start it again after a stop`,
      { next: 'use warm or restart' },
    );
  return strategy;
}

async function refuseObstacle({ host }: AgentContext, workload: string, container: Container): Promise<void> {
  const obstacle = await host.obstacleOf(container);
  if (obstacle)
    throw new GodwitError('E_PREFLIGHT', `${workload} can not move with its memory: ${obstacle}`, {
      next: 'remove the obstacle, or move it with --strategy cold or restart',
    });
}

/** Why this container's memory can not move, in one sentence, or undefined. `expected`: mounts of the node that the target has as well. */
export async function obstacleOf(
  container: Container,
  exec: Exec,
  expected: readonly RegExp[] = [],
): Promise<string | undefined> {
  const whole = ociConfigSchema.parse(await readConfig(container));
  const mounts = (whole.mounts ?? []).filter(({ source = '' }) => !expected.some((pattern) => pattern.test(source)));
  const pids = await pidsBelow(freezerOf(container.cgroupPaths).path);
  const files = await openFilesOf(pids);
  const [multipathTcp, guarded] = await Promise.all([usesMultipathTcp(container.pid, exec), guardedAmong(pids)]);
  return obstacleTo({ config: { ...whole, mounts }, files, multipathTcp, guarded });
}

/** Anonymous and shared memory of all processes: what CRIU will dump, near enough to make room for it. */
async function residentBytes(pids: readonly number[]): Promise<number> {
  let bytes = 0;
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    for (const field of ['RssAnon', 'RssShmem'])
      bytes += Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  }
  return bytes;
}

/** Undefined where it can not be measured: nothing depends on it but what is learned of the image. */
async function dirtyBytesPerSecond(pids: readonly number[], { exec, log }: AgentContext): Promise<number | undefined> {
  try {
    const { stdout } = await exec(pagesProgram, ['dirty', ...pids.map(String)], { timeoutMs: 5000 });
    return Number(stdout);
  } catch (error) {
    log.warn({ err: error }, 'the dirty rate could not be measured');
    return undefined;
  }
}

async function folderBytes(context: AgentContext, container: Container, spec: WorkloadSpec): Promise<number> {
  const { parts } = await context.host.filesOf(spec, { container });
  const { stdout } = await context.exec('du', ['-sxb', ...parts]);
  return stdout
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.split('\t')[0]), 0);
}
