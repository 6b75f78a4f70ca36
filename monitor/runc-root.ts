import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { isMissing } from '../lib/files.ts';
import { parseJson } from '../lib/parse.ts';
import type { CgroupPaths } from './cgroup/layout.ts';

/** Ids of the containers under one of runc's roots (`runc --root`); none when the folder does not exist. */
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
const stateSchema = z.object({ cgroup_paths: z.record(z.string(), z.string()) });

/** Cgroup folders of a container; E_INPUT when the state file does not fit, ENOENT while runc is still writing it. */
export function readCgroupPaths(root: string, id: string): CgroupPaths {
  const path = `${root}/${id}/state.json`;
  return parseJson(stateSchema, readFileSync(path, 'utf8'), path).cgroup_paths;
}
