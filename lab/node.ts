import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GodwitError } from '../lib/errors.ts';
import { identify, type ProcessId } from '../lib/process-id.ts';
import { groupsOf, settleNodeGroups } from './cgroup.ts';
import type { LabSettings } from './settings.ts';
import type { Bind, NodeSpec } from './spec.ts';
import { diskDir, type LabState, nodeDir } from './state.ts';

/** Moves itself into the groups before `--`, then becomes the command after it. */
export const joinScript =
  'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where nodes keep compiled code; all of them in one folder of the checkout, so that each starts what another has started in half the time. */
export const compileCache = '/run/compile-cache';
const compiled = (settings: LabSettings): string => join(settings.checkout, '.cache/compile-nodes');

/** What the nodes see of this machine, a line each: source, target and mode. */
export function allBinds(settings: LabSettings, lab: LabState): string {
  const binds: Bind[] = [
    { source: settings.checkout, target: '/opt/godwit' },
    { source: join(settings.checkout, 'node_modules/node/bin/node'), target: '/usr/local/bin/node' },
    { source: compiled(settings), target: compileCache, writable: true },
    ...lab.spec.binds,
  ];
  return binds.map(({ source, target, writable }) => `${source} ${target} ${writable ? 'rw' : 'ro'}`).join('\n');
}

/** Starts the node's first process in namespaces and groups of its own; its network is still empty. @throws E_LAB */
export async function startNode(settings: LabSettings, lab: LabState, node: NodeSpec): Promise<ProcessId> {
  const disk = diskDir(settings, lab.spec.name, node.name);
  for (const part of ['upper', 'work', 'root', 'data']) await mkdir(join(disk, part), { recursive: true });
  const folder = nodeDir(settings, lab.spec.name, node.name);
  for (const made of [folder, compiled(settings)]) await mkdir(made, { recursive: true });
  const pid = await spawnInit(join(folder, 'init.log'), groupsOf(lab.hierarchies, lab.spec.name, node.name), {
    PATH: systemPath,
    NAME: node.name,
    DISK: disk,
    LOWER: lab.root,
    CGROUPS: lab.hierarchies.map(({ controllers }) => controllers).join(' '),
    BINDS: allBinds(settings, lab),
  });
  await settleNodeGroups(lab.hierarchies, lab.spec.name, node.name);
  const init = await identify(pid);
  if (!init) throw new GodwitError('E_LAB', `node ${node.name} ended right after its start`);
  return init;
}

async function spawnInit(logPath: string, groups: string[], env: Record<string, string>): Promise<number> {
  await rm(logPath, { force: true });
  const log = await open(logPath, 'a');
  const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc', '--cgroup', '--fork'];
  const script = join(import.meta.dirname, 'node-init.sh');
  const args = ['-c', joinScript, 'sh', ...groups, '--', 'unshare', ...namespaces, '/bin/sh', script];
  try {
    const child = spawn('/bin/sh', args, { detached: true, stdio: ['ignore', 'pipe', log.fd], env });
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (data: Buffer) => resolve(String(data)));
      child.once('error', reject);
      child.once('exit', () => resolve(''));
    });
    child.stdout?.destroy();
    child.unref();
    if (line) return Number(line);
  } finally {
    await log.close();
  }
  const said = await readFile(logPath, 'utf8');
  throw new GodwitError('E_LAB', `node ${env.NAME} did not start: ${said.trim().split('\n').slice(-3).join(' | ')}`);
}

/** Path on this machine to the root of a running node. */
export const rootPath = (init: ProcessId): string => `/proc/${init.pid}/root`;

/** Names of the nodes, for their programs. */
export async function writeHosts(init: ProcessId, addresses: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(addresses).map(([name, address]) => `${address} ${name}`);
  await writeFile(`${rootPath(init)}/etc/hosts`, `${['127.0.0.1 localhost', ...lines].join('\n')}\n`);
  await writeFile(`${rootPath(init)}/etc/resolv.conf`, '# no name server in a lab\n');
}
