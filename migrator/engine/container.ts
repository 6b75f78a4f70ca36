import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readIfPresent } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';
import { isRunning } from '../../lib/process-id.ts';

// What runc keeps in <root>/<id>/state.json; only the fields that are used (libcontainer `State`, runc 1.1–1.3).
const stateSchema = z.object({
  id: z.string(),
  init_process_pid: z.number().int(),
  init_process_start: z.number(),
  created: z.string(),
  cgroup_paths: z.record(z.string(), z.string()),
  config: z.object({ rootfs: z.string(), labels: z.array(z.string()).nullish() }),
});

/** A container that runc knows on this node. */
export interface Container {
  id: string;
  pid: number;
  createdAt: number;
  cgroupPaths: Record<string, string>;
  rootfs: string;
  bundle: string;
  /** The annotations of its configuration. */
  labels: Record<string, string>;
  alive: boolean;
}

export async function readContainer(runcRoot: string, id: string): Promise<Container | undefined> {
  const text = await readIfPresent(join(runcRoot, id, 'state.json'));
  if (text === undefined) return undefined;
  const state = parseJson(stateSchema, text, `${id}/state.json`);
  const labels = Object.fromEntries((state.config.labels ?? []).map((label) => splitOnce(label, '=')));
  return {
    id: state.id,
    pid: state.init_process_pid,
    createdAt: Date.parse(state.created),
    cgroupPaths: state.cgroup_paths,
    rootfs: state.config.rootfs,
    bundle: labels.bundle ?? '',
    labels,
    alive: await isRunning({ pid: state.init_process_pid, startTicks: state.init_process_start }),
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export async function listContainers(runcRoot: string): Promise<Container[]> {
  let ids: string[];
  try {
    ids = await readdir(runcRoot);
  } catch {
    return [];
  }
  const found = await Promise.all(ids.sort().map((id) => readContainer(runcRoot, id).catch(() => undefined)));
  return found.filter((container) => container !== undefined);
}

/** The OCI configuration that the container was started with. */
export async function readConfig(container: Container): Promise<Record<string, unknown>> {
  const text = await readFile(join(container.bundle, 'config.json'), 'utf8');
  return parseJson(z.record(z.string(), z.unknown()), text, `${container.bundle}/config.json`);
}
