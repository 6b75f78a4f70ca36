import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import type { Logger } from '../../lib/logger.ts';
import { loadNodeConfig } from '../../lib/node-config.ts';
import { removeRestoreHold } from '../../migrator/engine/restore-hold.ts';
import { type Files, filesToRead, type Handler, withHandler, withoutHandler } from './containerd.ts';

/** The node as the pod sees it, and the pod's own files. Paths without `root` are the node's. */
export interface Host {
  /** The node's root file system, such as /proc/1/root. */
  root: string;
  /** Godwit in the image, and its Node. */
  source: string;
  node: string;
  /** Where Godwit goes on the node, such as /opt/godwit. */
  prefix: string;
  /** containerd's configuration, and whether k3s or RKE2 makes it from templates beside it. */
  containerdConfig: string;
  rendered: boolean;
  /** systemd's unit that runs containerd; undefined: somebody else restarts it. */
  unit: string | undefined;
  /** Folder of the node's certificates and node.yaml: in the pod, and on the node. */
  secrets: string;
  settings: string;
  exec: Exec;
  log: Logger;
}

/** What tells one build of the image from another. */
const stamp = '.build';

export const nodeOn = ({ prefix }: Host): string => join(prefix, 'node_modules/.bin/node');
const handlerOf = ({ prefix, containerdConfig, rendered }: Host): Handler => ({
  program: join(prefix, '.cache/bin/godwit-runtime'),
  config: containerdConfig,
  rendered,
});

async function textsOf({ root }: Host, paths: readonly string[]): Promise<Files> {
  const texts: Files = {};
  for (const path of paths) texts[path] = await readIfPresent(root + path);
  return texts;
}

/** Brings the image's Godwit, its Node and the node's identity to the node; what is there already stays. */
export async function installFiles(host: Host): Promise<void> {
  const target = host.root + host.prefix;
  const build = await readFile(join(host.source, stamp), 'utf8');
  if ((await readIfPresent(join(target, stamp))) !== build) {
    const fresh = `${target}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(dirname(fresh), { recursive: true });
    await cp(host.source, fresh, { recursive: true, filter: (path) => path !== join(host.source, stamp) });
    await mkdir(dirname(join(fresh, 'node_modules/.bin/node')), { recursive: true });
    await cp(host.node, join(fresh, 'node_modules/.bin/node'));
    await cp(join(host.source, stamp), join(fresh, stamp));
    await replace(target, fresh);
    host.log.info({ prefix: host.prefix, build: build.trim() }, 'installed');
  }
  const settings = host.root + host.settings;
  await mkdir(settings, { recursive: true, mode: 0o700 });
  await cp(host.secrets, settings, { recursive: true, dereference: true, filter: (path) => !path.includes('/..') });
}

/** Never without a program that containerd may call: a second rename, at once after the first. */
async function replace(target: string, fresh: string): Promise<void> {
  const old = `${target}.old`;
  await rm(old, { recursive: true, force: true });
  await rename(target, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(fresh, target);
  await rm(old, { recursive: true, force: true });
}

/** Gives containerd the runtime handler; it is restarted only when that changes something. @throws E_CONFIG, E_EXEC */
export async function installHandler(host: Host): Promise<void> {
  const handler = handlerOf(host);
  await change(host, withHandler(handler, await textsOf(host, filesToRead(handler))));
}

/** Takes the handler back, and what `installFiles` brought; what the agent knows of moves stays in its state folder. */
export async function remove(host: Host): Promise<void> {
  const handler = handlerOf(host);
  await change(host, withoutHandler(handler, await textsOf(host, filesToRead(handler))));
  const { runDir } = await loadNodeConfig(`${host.root}${host.settings}/node.yaml`);
  // keys that sidecars were given
  await rm(`${host.root}${runDir}/sidecar`, { recursive: true, force: true });
  await rm(host.root + host.settings, { recursive: true, force: true });
  await removeRestoreHold(`${host.root}/etc/criu`);
  const users = await usersOf(host, handler.program);
  if (users.length > 0)
    host.log.warn({ containers: users, prefix: host.prefix }, 'files stay: containers were made by this runtime');
  else await rm(host.root + host.prefix, { recursive: true, force: true });
  host.log.info({ prefix: host.prefix }, 'removed');
}

/** Writes what differs, and restarts containerd on it; a configuration that containerd does not read is taken back. */
async function change(host: Host, files: Files): Promise<void> {
  const before = await textsOf(host, Object.keys(files));
  if (Object.keys(files).every((path) => files[path] === before[path])) return;
  await write(host, files);
  try {
    // k3s has a containerd of its own, and makes the file when it starts
    if (!host.rendered) await onHost(host, ['containerd', '--config', host.containerdConfig, 'config', 'dump']);
  } catch (error) {
    await write(host, before);
    throw new GodwitError('E_CONFIG', `containerd does not read ${host.containerdConfig}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (host.unit) await onHost(host, ['systemctl', 'restart', host.unit]);
  else host.log.warn({ files: Object.keys(files) }, 'containerd has to be restarted');
}

async function write({ root }: Host, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) await rm(root + path, { force: true });
    else {
      await mkdir(dirname(root + path), { recursive: true });
      await writeDurably(root + path, text, 0o644);
    }
  }
}

/** In the mount namespace of the node's first process, with the node's programs. */
async function onHost({ exec }: Host, argv: string[]): Promise<void> {
  const env = { PATH: hostPath };
  await exec('nsenter', ['--target', '1', '--mount', '--wdns=/', '--', ...argv], { env, timeoutMs: 120_000 });
}

export const hostPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Folders with containerd's state: its own, and where k3s and RKE2 have it. */
const states = ['run/containerd', 'run/k3s/containerd'];

/** Containers whose shim calls the program: it kills and deletes them as well. */
async function usersOf({ root }: Host, program: string): Promise<string[]> {
  const users: string[] = [];
  for (const state of states) {
    const tasks = join(root, state, 'io.containerd.runtime.v2.task/k8s.io');
    for (const id of await readdir(tasks).catch(() => []))
      if ((await readIfPresent(join(tasks, id, 'runtime')))?.trim() === program) users.push(id);
  }
  return users;
}
