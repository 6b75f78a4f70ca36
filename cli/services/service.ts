import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { identify, isRunning, signalProcess } from '../../lib/process-id.ts';
import type { Registry, ServiceRecord } from './registry.ts';

export interface ServiceSpec {
  name: string;
  /** Program and arguments. */
  command: readonly [string, ...string[]];
  /** Runs a little ahead of the workloads. Not for one that starts containers: they would inherit it. */
  raised?: boolean;
}

/** A process that is started again whenever it ends. */
export interface Service {
  name: string;
  signal(signal: NodeJS.Signals): Promise<boolean>;
  /** SIGTERM, and SIGKILL after the grace; its own detached children are left alone. */
  stop(): Promise<void>;
}

export interface ServiceTools {
  registry: Registry;
  clock: Clock;
  log: Logger;
}

const firstDelayMs = 250;
const longestDelayMs = 10_000;
/** After a life this long a service is taken to be healthy, and its next death is followed by the first delay again. */
const healthyMs = 30_000;
const graceMs = 10_000;
/** A node under load is the very case that the services have to act in. */
const niceness = -5;

export const nextDelay = (delayMs: number, livedMs: number): number =>
  livedMs > healthyMs || delayMs === 0 ? firstDelayMs : Math.min(2 * delayMs, longestDelayMs);

/** Takes over the process that a killed supervisor has left, or starts one; keeps it running until `stop`. */
export function startService(spec: ServiceSpec, tools: ServiceTools): Service {
  const stopping = new AbortController();
  let current: ServiceRecord | undefined;
  const log = tools.log.child({ service: spec.name });

  /** Until it has ended. */
  const live = async (running: Running | undefined): Promise<void> => {
    current = running?.record;
    if (current && stopping.signal.aborted) await endProcess(current, tools.clock);
    const outcome = await running?.ended;
    if (outcome) log[stopping.signal.aborted ? 'info' : 'warn'](outcome, 'service ended');
  };
  const keepRunning = async (): Promise<void> => {
    let inherited = await adopt(spec, tools, log);
    let delayMs = 0;
    for (let restarts = 0; !stopping.signal.aborted; restarts++) {
      const bornAt = tools.clock.monotonic();
      await live(inherited ?? (await launch(spec, restarts, tools, log)));
      inherited = undefined;
      delayMs = nextDelay(delayMs, tools.clock.monotonic() - bornAt);
      await tools.clock.sleep(delayMs, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const life = keepRunning();
  return {
    name: spec.name,
    signal: async (signal) => (current ? signalProcess(current, signal) : false),
    stop: async () => {
      stopping.abort();
      if (current) await endProcess(current, tools.clock);
      await life;
    },
  };
}

interface Running {
  record: ServiceRecord;
  ended: Promise<object>;
}

async function adopt(spec: ServiceSpec, { registry, clock }: ServiceTools, log: Logger): Promise<Running | undefined> {
  const record = await registry.inherited(spec.name);
  if (!record) return undefined;
  if (record.command.join('\0') !== spec.command.join('\0')) {
    log.info({ pid: record.pid }, 'ending a process of another command line');
    await endProcess(record, clock);
    return undefined;
  }
  log.info({ pid: record.pid }, 'service taken over');
  return { record, ended: untilGone(record, clock, Number.POSITIVE_INFINITY, 250).then(() => ({})) };
}

/** Undefined when the program can not be started at all. */
async function launch(
  spec: ServiceSpec,
  restarts: number,
  { registry, clock }: ServiceTools,
  log: Logger,
): Promise<Running | undefined> {
  const [file, ...args] = spec.command;
  // a session of its own: Ctrl-C reaches the supervisor alone. It writes to our stderr itself, so that it survives our death.
  const child = spawn(file, args, { detached: true, stdio: ['ignore', process.stderr.fd, process.stderr.fd] });
  const ended = once(child, 'exit').then(([exitCode, signal]: unknown[]) => ({ exitCode, signal }));
  ended.catch((error: unknown) => log.error({ reason: messageOf(error) }, 'service can not be started'));
  const id = child.pid === undefined ? undefined : await identify(child.pid);
  if (!id) {
    await ended.catch(() => undefined);
    return undefined;
  }
  const nice = spec.raised ? raise(id.pid) : 0;
  const record = { ...id, name: spec.name, command: [...spec.command], startedAt: clock.now(), restarts };
  await registry.set(record);
  log.info({ pid: id.pid, restarts, nice }, 'service started');
  return { record, ended };
}

function raise(pid: number): number {
  try {
    setPriority(pid, niceness);
    return niceness;
  } catch {
    return 0; // no right to do so
  }
}

async function endProcess(record: ServiceRecord, clock: Clock): Promise<void> {
  await signalProcess(record, 'SIGTERM');
  if (await untilGone(record, clock, graceMs)) return;
  await signalProcess(record, 'SIGKILL');
  if (!(await untilGone(record, clock, graceMs)))
    throw new GodwitError('E_TIMEOUT', `${record.name}: process ${record.pid} does not end`);
}

async function untilGone(record: ServiceRecord, clock: Clock, withinMs: number, everyMs = 50): Promise<boolean> {
  const end = clock.monotonic() + withinMs;
  while (await isRunning(record)) {
    if (clock.monotonic() > end) return false;
    await clock.sleep(everyMs);
  }
  return true;
}
