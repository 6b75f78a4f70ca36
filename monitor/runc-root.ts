import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { isMissing } from '../lib/files.ts';
import { parseJson } from '../lib/parse.ts';
import type { CgroupPaths } from './cgroup/layout.ts';
import type { ContainerSource } from './container-set.ts';

/** The containers under one of runc's roots (`runc --root`): a container's id is its workload's name. */
export const runcContainers = (root: string): ContainerSource => ({
  list: () => listContainers(root),
  identify: (id) => ({ workload: id, paths: readState(root, id).cgroupPaths }),
});

/** Names of the folders in `root`; none when it does not exist. */
export function listContainers(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The part of libcontainer's state file that we need (opencontainers/runc, libcontainer/container.go, `BaseState`). */
const stateSchema = z.object({
  cgroup_paths: z.record(z.string(), z.string()),
  /** Annotations of the bundle, as `name=value`. */
  config: z.object({ labels: z.array(z.string()).nullish() }).default({}),
});

export interface RuncState {
  /** Cgroup folders by hierarchy. */
  cgroupPaths: CgroupPaths;
  /** Of the bundle's config.json. */
  annotations: Readonly<Record<string, string>>;
}

/** What runc keeps of a container; E_INPUT when the state file does not fit, ENOENT while runc is still writing it. */
export function readState(root: string, id: string): RuncState {
  const path = `${root}/${id}/state.json`;
  const { cgroup_paths, config } = parseJson(stateSchema, readFileSync(path, 'utf8'), path);
  return { cgroupPaths: cgroup_paths, annotations: Object.fromEntries((config.labels ?? []).map(keyAndValue)) };
}

function keyAndValue(label: string): [string, string] {
  const at = label.indexOf('=');
  return at < 0 ? [label, ''] : [label.slice(0, at), label.slice(at + 1)];
}
