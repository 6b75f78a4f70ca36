import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { nameSchema } from '../lib/contract/names.ts';
import { GodwitError } from '../lib/errors.ts';
import { isMissing, readIfPresent } from '../lib/files.ts';
import { parseAs, parseJson } from '../lib/parse.ts';
import { identify, isRunning, processIdSchema, signalProcess } from '../lib/process-id.ts';
import { type Command, type CommandOptions, commandIn, requireNode } from './exec.ts';
import { childByInnerPid } from './inner-pid.ts';
import { rootPath } from './node.ts';
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

// Backgrounded by a shell in the node that ends at once, a service becomes a child of the node's first process. It waits
// for a line on descriptor 3: until its record is written, and for ever not if the caller dies before that.
const background = `command -v -- "$2" >/dev/null || { echo "$2: not found" >&2; exit 127; }
log=$1; shift
{ read -r go <&3 && exec setsid "$@" 3<&-; } </dev/null >>"$log" 2>&1 &
echo $!`;

/** Starts a program that outlives the caller; whether it stays up is the caller's to see. @throws E_EXEC when there is no such program */
export async function startService(
  settings: LabSettings,
  lab: string,
  node: string,
  argv: readonly string[],
  options: ServiceOptions,
): Promise<Service> {
  const name = parseAs(nameSchema, options.name, 'name of the service', 'E_CONFIG');
  const running = await requireNode(settings, lab, node);
  const log = `/var/log/${name}.log`;
  const command = commandIn(running, node, ['/bin/sh', '-c', background, 'sh', log, ...argv], options);
  const { innerPid, go } = await spawnWaiting(command, `${node}: ${name}`);
  const pid = await childByInnerPid(running.init.pid, innerPid);
  const process = pid === undefined ? undefined : await identify(pid);
  if (!process) throw new GodwitError('E_LAB', `${node}: ${name} was killed before it started`);
  const record: ServiceRecord = { name, argv: [...argv], process, innerPid, log };
  await writeJson(join(serviceDir(settings, lab, node), `${process.pid}.json`), record);
  go();
  return toService(node, record, rootPath(running.init), true);
}

async function spawnWaiting({ file, args, env }: Command, what: string): Promise<{ innerPid: number; go: () => void }> {
  const child = spawn(file, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const gate = child.stdio[3] as Writable;
  gate.on('error', () => undefined); // killed in the meantime: its record tells
  const [stdout, stderr] = [text(child.stdout as Readable), text(child.stderr as Readable)];
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new GodwitError('E_EXEC', `${what}: ${(await stderr).trim() || `exit code ${String(code)}`}`);
  return { innerPid: Number(await stdout), go: () => gate.end('go\n') };
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
