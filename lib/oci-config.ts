/** What of an OCI runtime configuration differs from program to program; what is left out has a default. */
export interface ProgramSpec {
  readonly hostname: string;
  readonly process: {
    readonly args: readonly string[];
    /** NAME=value */
    readonly env: readonly string[];
    /** Default: `/` */
    readonly cwd?: string;
    /** Default: root */
    readonly user?: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
    /** Default: none */
    readonly capabilities?: Readonly<Record<'bounding' | 'effective' | 'permitted', readonly string[]>>;
  };
  /** Beside /proc, /dev and /sys. */
  readonly mounts: readonly OciMount[];
}

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

const seccompArchitectures = [
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_ARM',
];

// the kernel's own: what a container could read or change of the host through /proc and /sys
const maskedPaths = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/sys/firmware',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const systemMounts: readonly OciMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
];

const ENOSYS = 38;

/**
 * The `config.json` of a bundle (OCI runtime specification 1.2) that CRIU can dump and restore: no terminal, no
 * io_uring (CRIU has no image of it), no rlimits and no OOM score (to restore them takes CAP_SYS_RESOURCE).
 * Left to whoever runs it: `linux.resources`, `linux.cgroupsPath` and the path of the network namespace.
 */
export function ociConfig({ hostname, process, mounts }: ProgramSpec): object {
  return {
    ociVersion: '1.2.0',
    hostname,
    root: { path: 'rootfs', readonly: false },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      cwd: '/',
      capabilities: { bounding: [], effective: [], permitted: [] },
      noNewPrivileges: true,
      ...process,
    },
    mounts: [...systemMounts, ...mounts],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })),
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: seccompArchitectures,
        syscalls: [
          {
            names: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: ENOSYS,
          },
        ],
      },
      maskedPaths,
      readonlyPaths,
    },
  };
}
