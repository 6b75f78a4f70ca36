import { resolve } from 'node:path';
import { type Exec, systemExec } from '../lib/exec.ts';

/** Where a lab keeps its things on this machine. */
export interface LabSettings {
  /** Built root file systems. */
  cacheDir: string;
  /** What is known of running labs: specs, process ids, the handle of the switch's network. */
  stateDir: string;
  /** The nodes' disks. */
  dataDir: string;
  /** Former values of the machine's sysctls, and which labs need the changed ones; one place for the whole machine. */
  sysctlDir: string;
  /** Checkout that nodes see at /opt/godwit. */
  checkout: string;
  /** Debian mirror; by default that of this machine's apt sources. */
  mirror: string | undefined;
  exec: Exec;
  /** Told what takes long, one line each. */
  onProgress: (line: string) => void;
}

export function labSettings(given: Partial<LabSettings> = {}, env: NodeJS.ProcessEnv = process.env): LabSettings {
  return {
    cacheDir: env.GODWIT_CACHE ?? '/var/cache/godwit',
    stateDir: '/run/godwit-lab',
    dataDir: '/var/lib/godwit-lab',
    sysctlDir: '/run/godwit-lab.sysctls',
    checkout: resolve(import.meta.dirname, '..'),
    mirror: env.GODWIT_DEBIAN_MIRROR,
    exec: systemExec,
    onProgress: () => undefined,
    ...given,
  };
}
