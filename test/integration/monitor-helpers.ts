import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { TestGroup } from '../helpers/cgroups.ts';
import { type MonitorLeaf, startMonitorLeaf } from './monitor-leaf.ts';

export interface Monitor {
  process: ChildProcess;
  log: () => string;
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

export interface MonitorSite {
  leaf: MonitorLeaf;
  runcRoot: string;
  start(intervalMs?: number): Promise<Monitor>;
  /** As `runc run` leaves it; `id` appears before its state does. */
  addContainer(id: string, group: TestGroup): Promise<void>;
  removeContainer(id: string): Promise<void>;
  until: MonitorLeaf['until'];
  close(): Promise<void>;
}

/** A leaf, and a fake runc root whose containers are real cgroups. */
export async function startMonitorSite(natsOverrides: object = {}): Promise<MonitorSite> {
  const leaf = await startMonitorLeaf('127.0.0.1', natsOverrides);
  const runcRoot = join(leaf.dir, 'runc');
  await mkdir(runcRoot);
  const monitors: Monitor[] = [];
  return {
    leaf,
    runcRoot,
    start: async (intervalMs = 200) => {
      const config = join(leaf.dir, `monitor-${intervalMs}.yaml`);
      await writeFile(config, nodeYaml(leaf, { intervalMs, runcRoot }));
      const monitor = spawnMonitor(['--config', config]);
      monitors.push(monitor);
      return monitor;
    },
    addContainer: async (id, group) => {
      const folder = join(runcRoot, id);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'state.tmp'), JSON.stringify({ id, cgroup_paths: group.paths }));
      await rename(join(folder, 'state.tmp'), join(folder, 'state.json'));
    },
    removeContainer: (id) => rm(join(runcRoot, id), { recursive: true }),
    until: async (check, options) => {
      try {
        return await leaf.until(check, options);
      } catch (error) {
        const logs = monitors.map((monitor) => monitor.log()).join('\n');
        throw new Error(`no such message; the monitors said:\n${logs}`, { cause: error });
      }
    },
    close: async () => {
      await Promise.all(monitors.map((monitor) => monitor.stop('SIGKILL')));
      await leaf.close();
    },
  };
}

/** `node.yaml` of `edge-1`, which reaches its leaf at `address`. */
export function nodeYaml(
  leaf: Pick<MonitorLeaf, 'port' | 'pki'>,
  options: { intervalMs: number; runcRoot?: string; address?: string },
): string {
  const { intervalMs, runcRoot, address = '127.0.0.1' } = options;
  return stringify({
    name: 'edge-1',
    site: 'edge',
    tier: 'edge',
    address,
    nats: { servers: [`tls://${address}:${leaf.port}`] },
    pki: leaf.pki,
    monitor: { intervalMs },
    ...(runcRoot !== undefined && { runcRoot }),
  });
}

const main = resolve(import.meta.dirname, '../../monitor/main.ts');

export function spawnMonitor(args: readonly string[]): Monitor {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data: Buffer) => {
    log += data.toString();
  });
  return {
    process: child,
    log: () => log,
    stop: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
        await once(child, 'close');
      }
      return child.exitCode;
    },
  };
}
