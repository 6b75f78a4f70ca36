import { join } from 'node:path';

export interface CgroupFiles {
  /** cgroups(7): the groups of the process that reads it. */
  own: string;
  mount: string;
}

const systemFiles: CgroupFiles = { own: '/proc/self/cgroup', mount: '/sys/fs/cgroup' };

/**
 * Lines of a shell script of CRIU's, which runs in the container's groups and not in `agentGroups` (text of the same file): `lift` takes
 * the CPU limit away, `putBack` sets it again. Under the limit of a small container its restore would take several times as long.
 */
export function cpuLimitLines(
  folder: string,
  agentGroups: string,
  files = systemFiles,
): { lift: string[]; putBack: string[] } {
  const saved = `'${join(folder, 'cpu-limits')}'`;
  return {
    lift: [
      `if [ "$(cat '${files.own}')" != '${agentGroups.trim()}' ]; then`,
      ...groupLines(files),
      // a pod's containers have their limits below the pod's own; above that, limits are the node's
      'groups=$group parent=$(dirname "$group")',
      'case $parent in */pod* | *-pod*.slice) groups="$group $parent" ;; esac',
      'for one in $groups; do',
      `  file=$one/$name`,
      '  [ -f "$file" ] && read -r limit <"$file" || continue',
      `  case $limit in -1 | max*) continue ;; esac`,
      `  echo "$file $limit" >>${saved}`,
      '  echo "$none" >"$file"',
      'done',
      'fi',
    ],
    putBack: [
      `if [ -f ${saved} ]; then`,
      `  while read -r file limit; do echo "$limit" >"$file" || exit 1; done <${saved}`,
      'fi',
    ],
  };
}

/** Sets `group`, and of the version of its hierarchy `name` of the file with the limit and what stands there for `none`. */
const groupLines = ({ own, mount }: CgroupFiles): string[] => [
  `path=$(grep -E '^[0-9]+:([^:]*,)?cpu(,[^:]*)?:' '${own}' | cut -d : -f 3-)`,
  `group='${mount}/cpu'$path name=cpu.cfs_quota_us none=-1`,
  'if [ -z "$path" ]; then',
  `  group='${mount}'$(sed -n 's/^0:://p' '${own}') name=cpu.max none=max`,
  'fi',
];
