import { mkdir, readFile, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { VerbRequest } from '../../lib/contract/agent.ts';
import { GodwitError } from '../../lib/errors.ts';
import { readContainer } from '../engine/container.ts';
import { migrationsMount } from '../paths.ts';
import { readManaged } from '../workloads/store.ts';
import type { AgentContext } from './context.ts';

/** @throws E_PREFLIGHT when something of that name is on this node already */
export async function refuseOccupied(context: Pick<AgentContext, 'config' | 'paths'>, name: string): Promise<void> {
  const node = context.config.name;
  if (await readContainer(context.paths.runcRoot, name))
    throw new GodwitError('E_PREFLIGHT', `${node} already has a container named ${name}`);
  if (await readManaged(context.paths, name))
    throw new GodwitError('E_PREFLIGHT', `${node} already keeps a workload named ${name}`, {
      next: `godwit rm ${name} on ${node}`,
    });
}

/** Images and the restored copy are in memory at the same time; a margin of 5 % is for CRIU's own. */
export async function refuseFull(context: AgentContext, request: VerbRequest<'receive'>): Promise<void> {
  if (request.strategy !== 'warm') return;
  await mkdir(migrationsMount(context.paths), { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(migrationsMount(context.paths));
  const needed = Math.ceil(request.memoryBytes * 1.05) + (8 << 20);
  if (bavail * bsize < needed) throw full(context, 'memory file system', bavail * bsize, needed);
  const free = await freeMemory(context.config.capacity.memoryBytes);
  if (free < needed * 2) throw full(context, 'memory', free, needed * 2);
}

function full(context: AgentContext, what: string, free: number, needed: number): GodwitError {
  const mib = (bytes: number): number => Math.round(bytes / (1 << 20));
  const message = `the ${what} of ${context.config.name} has ${mib(free)} MiB free, ${mib(needed)} MiB are needed`;
  return new GodwitError('E_PREFLIGHT', message, { next: 'choose another target' });
}

async function freeMemory(capacity: number | undefined): Promise<number> {
  const info = await readFile('/proc/meminfo', 'utf8');
  const available = Number(/^MemAvailable:\s*(\d+) kB/m.exec(info)?.[1] ?? 0) * 1024;
  const limit = await cgroupFree();
  return Math.min(available || totalmem(), limit, capacity ?? Number.POSITIVE_INFINITY);
}

/** What the node's own memory cgroup leaves, for a node that is itself a container; unlimited elsewhere. */
async function cgroupFree(): Promise<number> {
  const read = async (name: string): Promise<number> =>
    Number(await readFile(`/sys/fs/cgroup/memory/${name}`, 'utf8').catch(() => 'NaN'));
  const limit = await read('memory.limit_in_bytes');
  if (!Number.isFinite(limit) || limit > Number.MAX_SAFE_INTEGER) return Number.POSITIVE_INFINITY;
  const stat = await readFile('/sys/fs/cgroup/memory/memory.stat', 'utf8');
  const inactive = Number(/^total_inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0);
  return limit - (await read('memory.usage_in_bytes')) + inactive;
}
