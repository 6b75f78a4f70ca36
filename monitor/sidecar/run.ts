import { readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { connectBus } from '../../lib/bus/connect.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { PodSample } from '../../lib/contract/telemetry.ts';
import { toGodwitError } from '../../lib/errors.ts';
import { readIfPresent } from '../../lib/files.ts';
import { createLifecycle, type Lifecycle } from '../../lib/lifecycle.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';
import { podSampleSubject } from '../../lib/subjects.ts';
import { type ContainerSet, createContainerSet } from '../container-set.ts';
import { createFileOpener } from '../held-file.ts';
import { everyInterval } from '../tick.ts';
import { readConfig, type SidecarConfig } from './config.ts';
import { type HandedOut, handedOutPaths, handedOutSchema } from './handed-out.ts';
import { podGroups } from './pod-groups.ts';

/** How often a sidecar looks whether its node's monitor wants it. */
const lookEveryMs = 2000;

/** A pod's sidecar from its start to its end; sets the exit code: 2 after a wrong configuration, 1 after any other fault. */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await sidecar(readConfig(args, env));
  } catch (error) {
    const fault = toGodwitError(error, 'E_SETUP', 'sidecar');
    process.stderr.write(`${fault.code}: ${fault.message}${fault.next ? `\n${fault.next}` : ''}\n`);
    process.exitCode = fault.code === 'E_CONFIG' ? 2 : 1;
  }
}

/** Samples the pod's other containers, and tells the node's monitor. */
async function sidecar(config: SidecarConfig): Promise<void> {
  const log = createLogger('sidecar', { bindings: { workload: config.workload } });
  const lifecycle = createLifecycle(log);
  const tools = { clock: systemClock, log, lifecycle };
  // not awaited: a connection may be dialled for ever, and the pod is not to wait for its sidecar's end
  sample(config, tools).catch((error: unknown) => {
    log.error({ err: error }, 'sampling failed');
    process.exitCode = 1;
    lifecycle.stop('sampling failed');
  });
  await lifecycle.done();
}

interface Tools {
  clock: Clock;
  log: Logger;
  lifecycle: Lifecycle;
}

/** What the node's monitor hands out, as soon as it does; undefined when stopped before. */
async function handedOut(folder: string, { clock, log, lifecycle }: Tools): Promise<HandedOut | undefined> {
  for (let told = false; !lifecycle.signal.aborted; told = true) {
    const path = handedOutPaths(folder).node;
    const text = await readIfPresent(path);
    if (text !== undefined) return parseJson(handedOutSchema, text, path);
    if (!told) log.info({ path }, 'waiting: the monitor of this node asks for no sidecars');
    await clock.sleep(lookEveryMs, lifecycle).catch(() => undefined);
  }
  return undefined;
}

async function sample(config: SidecarConfig, { clock, log, lifecycle }: Tools): Promise<void> {
  const node = await handedOut(config.folder, { clock, log, lifecycle });
  if (!node) return;
  const connection = await connectBus({
    servers: node.servers,
    user: `sidecar.${node.node}`,
    tls: handedOutPaths(config.folder),
    log,
    signal: lifecycle.signal,
  });
  lifecycle.onClose({ name: 'connection', close: () => connection.close() });
  const containers = openSet(node, config, { clock, log });
  const subject = podSampleSubject(node.site, node.node, config.uid);
  const handedOutAt = changedAt(config.folder);
  log.info({ node: node.node, intervalMs: node.intervalMs }, 'sampling');
  await everyInterval(
    node.intervalMs,
    clock,
    () => {
      if (changedAt(config.folder) !== handedOutAt) lifecycle.stop('the node hands out something else: starting anew');
      containers.scan();
      const [own] = containers.sample();
      const message: PodSample | undefined = own && { sample: own, goodForMs: 2.5 * node.intervalMs };
      if (message) connection.publish(subject, JSON.stringify(message));
    },
    lifecycle,
  );
  containers.close();
}

function openSet(node: HandedOut, config: SidecarConfig, tools: Omit<Tools, 'lifecycle'>): ContainerSet {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const containers = createContainerSet({
    ...tools,
    source: podGroups({ ...config, own: '/sys/fs/cgroup', mountinfo }),
    open: createFileOpener(),
    bounds: { maxCores: cpus().length, minElapsedMs: node.intervalMs / 4 },
  });
  containers.scan();
  return containers;
}

/** Changes with any of the files. */
const changedAt = (folder: string): number =>
  Math.max(...Object.values(handedOutPaths(folder)).map((path) => statSync(path).mtimeMs));
