import { parseKey } from '../cgroup/text.ts';

/** One tick of /proc/stat: sysconf(_SC_CLK_TCK) is 100 on every architecture that Node supports. */
const tickMs = 10;

/**
 * CPU time that all cores of the machine were busy since boot, from the line `cpu` of /proc/stat (proc_stat(5)):
 * user + nice + system + irq + softirq. Guest time is part of user; idle, iowait and steal are no use of ours.
 */
export function parseBusyMs(text: string): number | undefined {
  const fields = /^cpu +(\d+) (\d+) (\d+) \d+ \d+ (\d+) (\d+)/.exec(text)?.slice(1);
  return fields && fields.reduce((sum, ticks) => sum + Number(ticks), 0) * tickMs;
}

/** `MemTotal`, and `MemTotal` less `MemAvailable`, of /proc/meminfo (proc_meminfo(5)). */
export function parseMeminfo(text: string): { totalBytes: number; usedBytes: number } | undefined {
  const plain = text.replaceAll(':', '').replaceAll(' kB', '').replaceAll(/ +/g, ' ');
  const totalKib = parseKey(plain, 'MemTotal');
  const availableKib = parseKey(plain, 'MemAvailable');
  if (totalKib === undefined || availableKib === undefined) return undefined;
  return { totalBytes: totalKib * 1024, usedBytes: Math.max(0, totalKib - availableKib) * 1024 };
}

/**
 * Folders at which this process sees the root of each cgroup hierarchy, from /proc/self/mountinfo (proc_pid_mountinfo(5)).
 * Inside a cgroup namespace that root is the namespace's own group; a mount made outside of it shows another root than `/`.
 * A later mount hides an earlier one.
 */
export function parseCgroupRoots(mountinfo: string): Record<string, string> {
  const roots: Record<string, string> = {};
  for (const line of mountinfo.split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [, , , root, folder] = mount.split(' ');
    const [type, , options = ''] = filesystem.split(' ');
    if (root !== '/' || folder === undefined) continue;
    if (type === 'cgroup2') roots[''] = folder;
    if (type === 'cgroup') for (const controller of options.split(',')) roots[controller] = folder;
  }
  return roots;
}
