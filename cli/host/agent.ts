import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import { loadNodeConfig } from '../../lib/node-config.ts';
import { isRunning, signalProcess } from '../../lib/process-id.ts';
import { runningSupervisor } from '../services/registry.ts';
import { type Host, hostPath, nodeOn } from './install.ts';

/** Ends an agent that a killed pod has left on the node; its services go on, and the next agent takes them over. */
export async function endFormerAgent({ root, settings }: Host, clock: Clock): Promise<void> {
  const { runDir } = await loadNodeConfig(join(root + settings, 'node.yaml'));
  const former = await runningSupervisor(root + runDir);
  if (!former) return;
  await signalProcess(former, 'SIGKILL');
  while (await isRunning(former)) await clock.sleep(20);
}

/** Runs `godwit agent` in the node's namespaces until `signal` is aborted. @throws E_EXEC when it ends before */
export async function runAgent(host: Host, env: Record<string, string>, signal: AbortSignal): Promise<void> {
  // process ids, network and messages are shared with the node already
  const enter = ['--target', '1', '--mount', '--uts', '--cgroup', '--wdns=/', '--'];
  const agent = [nodeOn(host), join(host.prefix, 'cli/main.ts'), 'agent', '--only', 'monitor', 'migrator'];
  const argv = [...enter, ...agent, '--config', host.settings];
  const child = spawn('nsenter', argv, {
    env: { ...env, PATH: hostPath, HOME: '/root', LANG: 'C.UTF-8' },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const stop = (): boolean => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const [code, by] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  signal.removeEventListener('abort', stop);
  if (signal.aborted) return;
  throw new GodwitError('E_EXEC', `the agent ended: ${by ?? `exit code ${code}`}`);
}
