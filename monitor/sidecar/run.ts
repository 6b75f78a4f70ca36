import { readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { connectBus } from '../../lib/bus/connect.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { PodSample } from '../../lib/contract/telemetry.ts';
import { readIfPresent } from '../../lib/files.ts';
import { createLifecycle, type Lifecycle } from '../../lib/lifecycle.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { parseJson } from '../../lib/parse.ts';
import { podSampleSubject } from '../../lib/subjects.ts';
import type { SidecarConfig } from '../config.ts';
import { type ContainerSet, createContainerSet } from '../container-set.ts';
import { createFileOpener } from '../held-file.ts';
import { everyInterval } from '../tick.ts';
import { type HandedOut, handedOutFile, handedOutSchema } from './hand-out.ts';
import { podGroups } from './pod-groups.ts';

/** How often a sidecar looks whether its node's monitor wants it. */
const lookEveryMs = 2000;

/** A pod's sidecar from its start to its end: samples the pod's other containers, and tells the node's monitor. */
export async function runSidecar(config: SidecarConfig): Promise<void> {
  const log = createLogger('sidecar', { bindings: { workload: config.workload } });
  const lifecycle = createLifecycle(log);
  const clock = systemClock;
  const node = await handedOut(config.folder, clock, log, lifecycle);
  if (node) await sampleFor(node, config, { clock, log, lifecycle });
  await lifecycle.done();
}

interface Tools {
  clock: Clock;
  log: Logger;
  lifecycle: Lifecycle;
}

/** What the node's monitor hands out, as soon as it does; undefined when stopped before. */
async function handedOut(
  folder: string,
  clock: Clock,
  log: Logger,
  lifecycle: Lifecycle,
): Promise<HandedOut | undefined> {
  for (let told = false; !lifecycle.signal.aborted; told = true) {
    const path = join(folder, handedOutFile);
    const text = await readIfPresent(path);
    if (text !== undefined) return parseJson(handedOutSchema, text, path);
    if (!told) log.info({ path }, 'waiting: the monitor of this node asks for no sidecars');
    await clock.sleep(lookEveryMs, lifecycle).catch(() => undefined);
  }
  return undefined;
}

async function sampleFor(node: HandedOut, config: SidecarConfig, { clock, log, lifecycle }: Tools): Promise<void> {
  const connection = await connectBus({
    servers: node.servers,
    user: `sidecar.${node.node}`,
    tls: tlsFiles(config.folder, 'sidecar'),
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
      const [sample] = containers.sample();
      const message: PodSample | undefined = sample && { sample, goodForMs: 2.5 * node.intervalMs };
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

/** Changes with the certificates as well: node.json is written anew after them. */
function changedAt(folder: string): number {
  return Math.max(...[handedOutFile, 'sidecar.crt'].map((name) => statSync(join(folder, name)).mtimeMs));
}
