import { readdir, readFile, readlink } from 'node:fs/promises';
import { capSysResource, hasCapability } from '../../lib/capabilities.ts';
import type { Exec } from '../../lib/exec.ts';
import type { OciConfig } from '../workloads/bundle.ts';

/** What is open in one process of the container, as /proc/<pid>/fd shows it. */
export interface OpenFile {
  pid: number;
  fd: number;
  link: string;
}

export interface PreflightFacts {
  config: OciConfig;
  files: OpenFile[];
  multipathTcp: boolean;
  /** A process of another user than root, where root may not look at its limits. */
  guarded: { pid: number; ids: string } | undefined;
}

/** A reason why a container's memory can not move; `undefined` when this check sees none. Pure. */
export type Check = (facts: PreflightFacts) => string | undefined;

const harmlessDevices = /^\/dev\/(null|zero|full|random|urandom)$/;

const noTerminal: Check = ({ config, files }) => {
  if (config.process?.terminal) return 'it was started with a terminal (process.terminal)';
  const terminal = files.find(({ link }) => /^\/dev\/(pts\/|tty|console)/.test(link));
  return terminal && `process ${terminal.pid} holds the terminal ${terminal.link}`;
};

const noIoUring: Check = ({ files }) => {
  const ring = files.find(({ link }) => link === 'anon_inode:[io_uring]');
  return ring && `process ${ring.pid} uses io_uring, which CRIU can not dump`;
};

const noDevices: Check = ({ files }) => {
  const device = files.find(
    ({ link }) =>
      link.startsWith('/dev/') && !harmlessDevices.test(link) && !/^\/dev\/(shm|mqueue|pts|tty|console)/.test(link),
  );
  return device && `process ${device.pid} holds the device ${device.link}`;
};

const ownNamespaces: Check = ({ config }) => {
  const types = new Set((config.linux?.namespaces ?? []).map((namespace) => namespace.type));
  const missing = ['pid', 'mount', 'network', 'ipc'].filter((type) => !types.has(type));
  return missing.length > 0 ? `it shares the node's ${missing.join(', ')} namespace` : undefined;
};

const noHostMounts: Check = ({ config }) => {
  const bind = (config.mounts ?? []).find(
    (mount) => mount.type === 'bind' || (mount.options ?? []).some((option) => /^r?bind$/.test(option)),
  );
  return bind && `it mounts ${bind.source ?? '?'} of the node at ${bind.destination}`;
};

const movableOutput: Check = ({ files }) => {
  const fixed = files.find(
    ({ fd, link }) => fd <= 2 && link.startsWith('/') && !harmlessDevices.test(link) && !/^\/dev\//.test(link),
  );
  return fixed && `its output goes to ${fixed.link}, a file that may lie outside the container`;
};

const plainTcp: Check = ({ multipathTcp }) =>
  multipathTcp ? 'it uses multipath TCP, which CRIU can not dump (Go programs: GODEBUG=multipathtcp=0)' : undefined;

const readableLimits: Check = ({ guarded }) =>
  guarded &&
  `process ${guarded.pid} runs as ${guarded.ids}, and without CAP_SYS_RESOURCE, which this node lacks, CRIU can not read its limits`;

const checks: readonly Check[] = [
  plainTcp,
  noTerminal,
  noIoUring,
  noDevices,
  ownNamespaces,
  noHostMounts,
  movableOutput,
  readableLimits,
];

/** The first reason against a move with memory, in one sentence, or `undefined`. */
export function obstacleTo(facts: PreflightFacts): string | undefined {
  for (const check of checks) {
    const reason = check(facts);
    if (reason) return reason;
  }
  return undefined;
}

/** Open files of the given processes; one that ends meanwhile is passed over. */
export async function openFilesOf(pids: readonly number[]): Promise<OpenFile[]> {
  const found = await Promise.all(
    pids.map(async (pid) => {
      const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
      return Promise.all(
        fds.map(async (fd) => ({ pid, fd: Number(fd), link: await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '') })),
      );
    }),
  );
  return found.flat();
}

/** The first of the processes that is not all root's, by prlimit(2); undefined where this process holds CAP_SYS_RESOURCE. */
export async function guardedAmong(pids: readonly number[]): Promise<PreflightFacts['guarded']> {
  if (await hasCapability(capSysResource)) return undefined;
  for (const pid of pids) {
    const ids = foreignIds(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));
    if (ids) return { pid, ids };
  }
  return undefined;
}

/** `user 33, group 33` of a /proc/<pid>/status where one of its real, effective and saved ids is not root's. Pure. */
export function foreignIds(status: string): string | undefined {
  const idsOf = (name: string): string[] =>
    new RegExp(`^${name}:\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)`, 'm').exec(status)?.slice(1) ?? [];
  const [user, group] = ['Uid', 'Gid'].map((name) => idsOf(name).find((id) => id !== '0') ?? '0');
  return user === '0' && group === '0' ? undefined : `user ${user}, group ${group}`;
}

/** Asks the kernel for MPTCP sockets in the process's network namespace. */
export async function usesMultipathTcp(pid: number, exec: Exec): Promise<boolean> {
  const { stdout } = await exec('nsenter', ['-t', String(pid), '-n', 'ss', '-H', '-M', '-n', '-a']);
  return stdout.trim() !== '';
}
