import { existsSync, readdirSync, statSync } from 'node:fs';
import { isMissing } from '../../lib/files.ts';
import type { CgroupPaths } from '../cgroup/layout.ts';
import type { ContainerSource } from '../container-set.ts';

export interface PodGroupsOptions {
  /** Where the node's /sys/fs/cgroup is seen. */
  cgroup: string;
  /** Where this container sees its own group: /sys/fs/cgroup. */
  own: string;
  /** Content of /proc/self/mountinfo: names the sandbox, whose group is nobody's workload. */
  mountinfo: string;
  uid: string;
  workload: string;
}

/** The groups of a pod's other containers, found below the node's cgroup folder by the pod's uid. */
export function podGroups({ cgroup, own, mountinfo, uid, workload }: PodGroupsOptions): ContainerSource {
  const sandbox = /\/sandboxes\/([0-9a-f]{64})\//.exec(mountinfo)?.[1];
  const unified = existsSync(`${cgroup}/cgroup.controllers`);
  const main = unified ? '' : '/memory';
  const folders = podFolders(uid);
  const isOwn = (id: string, folder: string): boolean => {
    const [mine, other] = [statSync(own + main), statSync(`${cgroup}${main}/${folder}/${id}`)];
    return mine.ino === other.ino && mine.dev === other.dev;
  };
  const place = (): string | undefined => folders.find((folder) => existsSync(`${cgroup}${main}/${folder}`));
  return {
    list: () => {
      const folder = place();
      return folder === undefined ? [] : foldersIn(`${cgroup}${main}/${folder}`);
    },
    identify: (id) => {
      const folder = place();
      if (folder === undefined || (sandbox && id.includes(sandbox)) || isOwn(id, folder)) return undefined;
      return { workload, paths: pathsOf(cgroup, unified, `${folder}/${id}`) };
    },
  };
}

/** Where a kubelet puts a pod's group, by its driver and the pod's class (kubernetes, pkg/kubelet/cm). */
function podFolders(uid: string): string[] {
  const classes = ['', 'burstable', 'besteffort'];
  const systemd = uid.replaceAll('-', '_');
  return classes.flatMap((name) => [
    `kubepods/${name && `${name}/`}pod${uid}`,
    `kubepods.slice/${name && `kubepods-${name}.slice/`}kubepods-${name && `${name}-`}pod${systemd}.slice`,
  ]);
}

function pathsOf(cgroup: string, unified: boolean, group: string): CgroupPaths {
  if (unified) return { '': `${cgroup}/${group}` };
  const hierarchies = { cpu: 'cpu', cpuacct: 'cpuacct', memory: 'memory', pids: 'pids', '': 'unified' };
  const paths = Object.entries(hierarchies).map(([key, folder]) => [key, `${cgroup}/${folder}/${group}`] as const);
  return Object.fromEntries(paths.filter(([, path]) => existsSync(path)));
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
