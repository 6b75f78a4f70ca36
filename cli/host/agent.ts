import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import { loadNodeConfig } from '../../lib/node-config.ts';
import { isRunning, signalProcess } from '../../lib/process-id.ts';
import { runningSupervisor } from '../services/registry.ts';
import { type Host, hostPath, nodeOn } from './install.ts';

/** Ends an agent that a killed pod has left on the node; its services go on, and the next agent takes them over. */
export async function endFormerAgent({ root, settings }: Host, clock: Clock): Promise<void> {
  const { runDir } = await loadNodeConfig(`${root}${settings}/node.yaml`);
  const former = await runningSupervisor(root + runDir);
  if (!former) return;
  await signalProcess(former, 'SIGKILL');
  while (await isRunning(former)) await clock.sleep(20);
}

// containerd ends a container whose own group is empty when it starts again: so the pod's process stays in it, and the agent alone leaves.
// $1: cgroup.procs files, with a space between, where 0 stands for the writer; the rest: the program
const joinAndRun = 'for file in $1; do echo 0 >"$file"; done; shift; exec "$@"';

export interface AgentPlace {
  /** By which the agent joins its group: paths on the node. */
  groupFiles: readonly string[];
  env: Record<string, string>;
}

/** Runs `godwit agent` in the node's namespaces until `signal` is aborted. @throws E_EXEC when it ends before */
export async function runAgent(host: Host, { groupFiles, env }: AgentPlace, signal: AbortSignal): Promise<void> {
  // process ids, network and messages are shared with the node already
  const enter = ['--target', '1', '--mount', '--uts', '--cgroup', '--wdns=/', '--'];
  const agent = [nodeOn(host), `${host.prefix}/cli/main.ts`, 'agent', '--only', 'monitor', 'migrator'];
  const argv = [
    ...enter,
    '/bin/sh',
    '-euc',
    joinAndRun,
    'sh',
    groupFiles.join(' '),
    ...agent,
    '--config',
    host.settings,
  ];
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
