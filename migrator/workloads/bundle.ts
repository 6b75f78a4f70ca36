import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { capSysResource, hasCapability } from '../../lib/capabilities.ts';
import type { WorkloadSpec } from '../../lib/contract/agent.ts';
import type { Exec } from '../../lib/exec.ts';
import { netnsPath } from '../network/netns.ts';
import { type Paths, workloadFolders } from '../paths.ts';

const namespaceSchema = z.looseObject({ type: z.string(), path: z.string().optional() });

/** The parts of the OCI runtime specification that a move touches; everything else is kept as it is. */
export const ociConfigSchema = z.looseObject({
  process: z
    .looseObject({
      terminal: z.boolean().optional(),
      rlimits: z.unknown().optional(),
      oomScoreAdj: z.unknown().optional(),
    })
    .optional(),
  root: z.looseObject({ path: z.string() }).optional(),
  mounts: z
    .array(
      z.looseObject({
        destination: z.string(),
        type: z.string().optional(),
        source: z.string().optional(),
        options: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  linux: z
    .looseObject({ namespaces: z.array(namespaceSchema).optional(), cgroupsPath: z.string().optional() })
    .optional(),
});
export type OciConfig = z.infer<typeof ociConfigSchema>;

export interface BundlePlan {
  rootfs: string;
  /** Unique per copy: two copies in one cgroup would freeze each other. */
  cgroup: string;
  netns: string | undefined;
  /** Without CAP_SYS_RESOURCE runc can neither raise limits nor lower the OOM score. */
  mayRaiseLimits: boolean;
}

/** The configuration under which this node runs the workload; pure. */
export function adaptConfig(config: OciConfig, plan: BundlePlan): OciConfig {
  const { rlimits, oomScoreAdj, ...process } = config.process ?? {};
  const kept = plan.mayRaiseLimits
    ? { ...process, ...(rlimits ? { rlimits } : {}), ...(oomScoreAdj ? { oomScoreAdj } : {}) }
    : process;
  const namespaces = (config.linux?.namespaces ?? []).map((namespace) => {
    if (namespace.type !== 'network') return namespace;
    return plan.netns === undefined ? { type: 'network' } : { type: 'network', path: plan.netns };
  });
  return {
    ...config,
    process: kept,
    root: { ...config.root, path: plan.rootfs },
    linux: { ...config.linux, namespaces, cgroupsPath: plan.cgroup },
  };
}

/** Writes the bundle's config.json and returns the bundle's folder. */
export async function writeBundle(paths: Paths, spec: WorkloadSpec, copy: string): Promise<string> {
  const folders = workloadFolders(paths, spec.name);
  await mkdir(folders.rootfs, { recursive: true, mode: 0o755 });
  const config = adaptConfig(ociConfigSchema.parse(spec.config), {
    rootfs: folders.rootfs,
    cgroup: copyCgroup(spec.name, copy),
    netns: hasOwnNetwork(spec) ? netnsPath(spec.name) : undefined,
    mayRaiseLimits: await hasCapability(capSysResource),
  });
  await writeFile(join(folders.bundle, 'config.json'), JSON.stringify(config, null, 1), { mode: 0o600 });
  return folders.bundle;
}

export const copyCgroup = (name: string, copy: string): string => `/godwit/${name}.${copy}`;

/** Godwit gives every workload of its own a network namespace by path; one that came from elsewhere keeps what it had. */
export const hasOwnNetwork = (spec: WorkloadSpec): boolean => spec.image !== 'unmanaged' || spec.address !== undefined;

/** Joins image (lower, read-only) and written files (upper) at the bundle's rootfs. */
export async function mountRootfs(paths: Paths, name: string, image: string, exec: Exec): Promise<void> {
  const folders = workloadFolders(paths, name);
  if (await isMounted(folders.rootfs)) return;
  for (const folder of [folders.rootfs, folders.upper, folders.overlayWork])
    await mkdir(folder, { recursive: true, mode: 0o755 });
  const options = `lowerdir=${image},upperdir=${folders.upper},workdir=${folders.overlayWork}`;
  await exec('mount', ['-t', 'overlay', `godwit-${name}`, '-o', options, folders.rootfs]);
}

export async function unmountRootfs(paths: Paths, name: string, exec: Exec): Promise<void> {
  const { rootfs } = workloadFolders(paths, name);
  if (await isMounted(rootfs)) await exec('umount', ['-l', rootfs]);
}

async function isMounted(folder: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').some((line) => line.split(' ')[4] === folder);
}
