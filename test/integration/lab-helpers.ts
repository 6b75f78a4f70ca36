import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { labDown, labExec, labUp } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import type { LabSpecInput } from '../../lab/spec.ts';
import type { LabStatus } from '../../lab/status.ts';
import { identify } from '../../lib/process-id.ts';

export type NodeInput = LabSpecInput['nodes'][number];

/** A node of a lab for tests; `kind` is of no consequence to the lab itself. */
export function node(name: string, site: string, limits: { cores?: number; memoryBytes?: number } = {}): NodeInput {
  return { name, kind: 'edge', site, cores: limits.cores ?? 1, memoryBytes: limits.memoryBytes ?? 256 * 2 ** 20 };
}

export interface TestLabs {
  /** Raises a lab with a name of its own. */
  up(nodes: NodeInput[]): Promise<LabStatus>;
  name(): string;
  downAll(): Promise<void>;
}

export function testLabs(): TestLabs {
  const names: string[] = [];
  const name = (): string => {
    const fresh = `test-${randomBytes(4).toString('hex')}`;
    names.push(fresh);
    return fresh;
  };
  return {
    name,
    up: (nodes) => labUp({ name: name(), nodes }),
    downAll: async () => {
      const results = await Promise.allSettled(names.map((lab) => labDown(lab)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
  };
}

export function nodeOf(lab: LabStatus, name: string): LabStatus['nodes'][number] & { pid: number; root: string } {
  const found = lab.nodes.find((one) => one.name === name);
  if (found?.pid === undefined || found.root === undefined) throw new Error(`${name} does not run`);
  return { ...found, pid: found.pid, root: found.root };
}

/** Output of a shell script in a node. */
export async function sh(lab: LabStatus, name: string, script: string): Promise<string> {
  return (await labExec(lab.name, name, ['/bin/sh', '-ec', script], { timeoutMs: 60_000 })).stdout;
}

/** Waits until `check` gives something; its last fault is told when it never does. */
export async function eventually<T>(check: () => Promise<T | undefined>, deadlineMs = 10_000): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    let fault: unknown = 'the condition never held';
    try {
      const found = await check();
      if (found !== undefined) return found;
    } catch (error) {
      fault = error;
    }
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms`, { cause: fault });
    await delay(10);
  }
}

export function dial(host: string, port: number, timeoutMs = 1000): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error(`${host}:${port} does not answer`)), timeoutMs);
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

const namespaceKinds = ['mnt', 'net', 'pid', 'uts', 'ipc', 'cgroup'];

const ticksPerSecond = 100;

/** What a lab occupies that has no name: its namespaces and its interface. */
export interface Footprint {
  lab: string;
  namespaces: string[];
  device: string;
  /** When it was taken: later processes may be given the numbers of namespaces that are gone. */
  takenTicks: number;
}

export async function footprint(lab: LabStatus): Promise<Footprint> {
  const pids = lab.nodes.map(({ pid }) => pid).filter((pid) => pid !== undefined);
  const links = pids.flatMap((pid) => namespaceKinds.map((kind) => readlink(`/proc/${pid}/ns/${kind}`)));
  const { ino } = await stat(join(labSettings().stateDir, lab.name, 'switch'));
  const namespaces = [...(await Promise.all(links)), `net:[${ino}]`];
  const [uptime = ''] = (await readFile('/proc/uptime', 'utf8')).split(' ');
  return { lab: lab.name, namespaces, device: lab.host.device, takenTicks: Math.ceil(Number(uptime) * ticksPerSecond) };
}

/** Everything on this machine that still belongs to the lab. */
export async function tracesOf({ lab, namespaces, device, takenTicks }: Footprint): Promise<string[]> {
  const { stateDir, dataDir, sysctlDir } = labSettings();
  const paths = [
    join(stateDir, lab),
    join(dataDir, lab),
    join(sysctlDir, 'users', lab),
    `/sys/class/net/${device}`,
    ...(await findGroups('/sys/fs/cgroup', `godwit-lab-${lab}`, 6)),
  ];
  const present = await Promise.all(paths.map(async (path) => ((await exists(path)) ? path : undefined)));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(pids.map((pid) => processTraces(pid, lab, new Set(namespaces), takenTicks)));
  return [...present.filter((path) => path !== undefined), ...processes.flat()];
}

async function processTraces(
  pid: string,
  lab: string,
  namespaces: ReadonlySet<string>,
  takenTicks: number,
): Promise<string[]> {
  const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const links = await Promise.all(namespaceKinds.map((kind) => readlink(`/proc/${pid}/ns/${kind}`).catch(() => '')));
  const { startTicks } = (await identify(Number(pid))) ?? { startTicks: 0 };
  const found = startTicks > takenTicks ? [] : links.filter((link) => namespaces.has(link));
  const groups = (await read('cgroup')).split('\n').filter((line) => line.includes(`godwit-lab-${lab}`));
  const mounts = (await read('mountinfo')).split('\n').filter((line) => line.includes(`/godwit-lab/${lab}/`));
  return [...found, ...groups, ...mounts].map((trace) => `process ${pid}: ${trace}`);
}

async function findGroups(folder: string, name: string, depth: number): Promise<string[]> {
  if (depth === 0) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(async (entry) =>
      entry.name === name ? [join(folder, name)] : findGroups(join(folder, entry.name), name, depth - 1),
    );
  return (await Promise.all(below)).flat();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
