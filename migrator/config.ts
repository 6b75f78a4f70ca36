import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { NodeRecord } from '../lib/contract/node.ts';
import { loadNodeConfig, type NodeConfig } from '../lib/node-config.ts';

export interface MigratorConfig {
  node: NodeConfig;
  logLevel: string;
  capacity: NodeRecord['capacity'];
}

/** Reads `--config` (default /etc/godwit/node.yaml) and GODWIT_LOG_LEVEL. @throws E_CONFIG */
export async function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<MigratorConfig> {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string', default: '/etc/godwit/node.yaml' } },
  });
  const node = await loadNodeConfig(values.config);
  return { node, logLevel: env.GODWIT_LOG_LEVEL ?? 'info', capacity: await capacityOf(node) };
}

/** What the node offers: as configured, else the limits of its own cgroup, else the hardware. */
async function capacityOf(node: NodeConfig): Promise<NodeRecord['capacity']> {
  const number = async (path: string): Promise<number> => Number(await readFile(path, 'utf8').catch(() => 'NaN'));
  const quota = await number('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const period = await number('/sys/fs/cgroup/cpu/cpu.cfs_period_us');
  const limit = await number('/sys/fs/cgroup/memory/memory.limit_in_bytes');
  return {
    cores: node.capacity.cores ?? (quota > 0 && period > 0 ? quota / period : availableParallelism()),
    memoryBytes: node.capacity.memoryBytes ?? Math.min(Number.isFinite(limit) ? limit : totalmem(), totalmem()),
  };
}
