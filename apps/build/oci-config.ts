/** What of an OCI runtime configuration differs from app to app. */
export interface ProcessSpec {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly hostname: string;
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

const ENOSYS = 38;

/**
 * The `config.json` of a bundle (OCI runtime specification 1.2) that CRIU can dump and restore: no terminal, no
 * io_uring (CRIU has no image of it), no rlimits and no OOM score (to restore them takes CAP_SYS_RESOURCE).
 * Left to whoever runs it: `linux.resources`, `linux.cgroupsPath` and the path of the network namespace.
 */
export function ociConfig({ args, env, hostname }: ProcessSpec): object {
  return {
    ociVersion: '1.2.0',
    hostname,
    root: { path: 'rootfs', readonly: false },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      cwd: '/',
      args,
      env: Object.entries({ PATH: '/usr/bin:/bin', ...env }).map(([name, value]) => `${name}=${value}`),
      capabilities: { bounding: [], effective: [], permitted: [] },
      noNewPrivileges: true,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777', 'size=64m'] },
    ],
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
