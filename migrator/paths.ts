import { join } from 'node:path';
import type { NodeConfig } from '../lib/node-config.ts';

/** Where the migrator keeps things. `state` survives a reboot, `run` is memory only and holds secrets. */
export interface Paths {
  readonly state: string;
  readonly run: string;
  readonly runcRoot: string;
}

export const pathsOf = (config: NodeConfig): Paths => ({
  state: config.stateDir,
  run: config.runDir,
  runcRoot: config.runcRoot,
});

export const journalsFolder = (paths: Paths): string => join(paths.state, 'migrations');
export const journalFile = (paths: Paths, id: string): string => join(journalsFolder(paths), `${id}.json`);
export const fenceFile = (paths: Paths): string => join(paths.state, 'fence.json');

export const migrationsMount = (paths: Paths): string => join(paths.run, 'migrations');
export const migrationFolder = (paths: Paths, id: string): string => join(migrationsMount(paths), id);

export const imagesFolder = (paths: Paths): string => join(paths.state, 'images');
export const imageFolder = (paths: Paths, digest: string): string =>
  join(imagesFolder(paths), digest.replace(':', '-'));

export const workloadsFolder = (paths: Paths): string => join(paths.state, 'workloads');

/** Folders of one managed workload: `upper` are its written files, `bundle/rootfs` is where image and files are joined. */
export interface WorkloadFolders {
  root: string;
  spec: string;
  bundle: string;
  rootfs: string;
  upper: string;
  overlayWork: string;
  log: string;
}

export function workloadFolders(paths: Paths, name: string): WorkloadFolders {
  const root = join(workloadsFolder(paths), name);
  const bundle = join(root, 'bundle');
  return {
    root,
    spec: join(root, 'spec.json'),
    bundle,
    rootfs: join(bundle, 'rootfs'),
    upper: join(root, 'upper'),
    overlayWork: join(root, 'work'),
    log: join(root, 'log'),
  };
}
