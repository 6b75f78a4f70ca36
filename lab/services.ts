import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { nameSchema } from '../lib/contract/names.ts';
import { GodwitError } from '../lib/errors.ts';
import { isMissing, readIfPresent } from '../lib/files.ts';
import { parseAs, parseJson } from '../lib/parse.ts';
import { type CommandOptions, execInNode, requireNode } from './exec.ts';
import { rootPath } from './node.ts';
import { childByInnerPid, identify, isRunning, processIdSchema, signalProcess } from './process-id.ts';
import type { LabSettings } from './settings.ts';
import { nodeDir, writeJson } from './state.ts';

const recordSchema = z.strictObject({
  name: z.string(),
  argv: z.array(z.string()),
  process: processIdSchema,
  /** Its number inside the node. */
  innerPid: z.number().int(),
  /** In the node. */
  log: z.string(),
});
type ServiceRecord = z.infer<typeof recordSchema>;

export interface Service {
  node: string;
  name: string;
  argv: string[];
  /** As this machine counts, and as the node does. */
  pid: number;
  innerPid: number;
  /** Path of its output on this machine; it is readable while the node runs. */
  log: string;
  running: boolean;
}

export interface ServiceOptions extends CommandOptions {
  /** Names the log, `/var/log/<name>.log` in the node, to which output is appended. */
  name: string;
}

// Backgrounded by a shell in the node that ends at once, a service becomes a child of the node's first process.
const background = `command -v -- "$2" >/dev/null || { echo "$2: not found" >&2; exit 127; }
log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!`;

/** Starts a program that outlives the caller. @throws E_EXEC when there is no such program, E_LAB when it ends at once */
export async function startService(
  settings: LabSettings,
  lab: string,
  node: string,
  argv: readonly string[],
  options: ServiceOptions,
): Promise<Service> {
  const name = parseAs(nameSchema, options.name, 'name of the service', 'E_CONFIG');
  const { init } = await requireNode(settings, lab, node);
  const log = `/var/log/${name}.log`;
  const { stdout } = await execInNode(settings, lab, node, ['/bin/sh', '-c', background, 'sh', log, ...argv], options);
  const innerPid = Number(stdout);
  const pid = await childByInnerPid(init.pid, innerPid);
  const process = pid === undefined ? undefined : await identify(pid);
  if (!process) throw await endedAtOnce(name, `${rootPath(init)}${log}`);
  const record: ServiceRecord = { name, argv: [...argv], process, innerPid, log };
  await writeJson(join(serviceDir(settings, lab, node), `${process.pid}.json`), record);
  return toService(node, record, rootPath(init), true);
}

async function endedAtOnce(name: string, log: string): Promise<GodwitError> {
  const said = ((await readIfPresent(log)) ?? '').trim().split('\n').slice(-3).join(' | ');
  return new GodwitError('E_LAB', `${name} ended right after its start: ${said || 'it said nothing'}`);
}

/** Those that were started since the node is up, ended ones included; oldest first. */
export async function listServices(settings: LabSettings, lab: string, node: string): Promise<Service[]> {
  const { init } = await requireNode(settings, lab, node);
  const records = await readRecords(serviceDir(settings, lab, node));
  records.sort((a, b) => a.process.startTicks - b.process.startTicks || a.innerPid - b.innerPid);
  return Promise.all(
    records.map(async (record) => toService(node, record, rootPath(init), await isRunning(record.process))),
  );
}

export interface KillOptions {
  signal?: NodeJS.Signals;
  /** Wait so long for its end; by default not at all. */
  waitMs?: number;
}

/** Signals a service by its `pid`; false when it had ended. @throws E_LAB when no service has it, E_TIMEOUT */
export async function killService(
  settings: LabSettings,
  lab: string,
  node: string,
  pid: number,
  { signal = 'SIGTERM', waitMs = 0 }: KillOptions = {},
): Promise<boolean> {
  const path = join(serviceDir(settings, lab, node), `${pid}.json`);
  const text = await readIfPresent(path);
  if (text === undefined) throw new GodwitError('E_LAB', `no service of ${node} has the process ${pid}`);
  const { process, name } = parseJson(recordSchema, text, path);
  const sent = await signalProcess(process, signal);
  const end = performance.now() + waitMs;
  while (waitMs > 0 && (await isRunning(process))) {
    if (performance.now() > end) throw new GodwitError('E_TIMEOUT', `${name} runs ${waitMs} ms after ${signal}`);
    await delay(2);
  }
  return sent;
}

const serviceDir = (settings: LabSettings, lab: string, node: string): string =>
  join(nodeDir(settings, lab, node), 'services');

async function readRecords(folder: string): Promise<ServiceRecord[]> {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    return texts.map((text) => parseJson(recordSchema, text, folder));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function toService(
  node: string,
  { name, argv, process, innerPid, log }: ServiceRecord,
  root: string,
  running: boolean,
): Service {
  return { node, name, argv, pid: process.pid, innerPid, log: `${root}${log}`, running };
}
