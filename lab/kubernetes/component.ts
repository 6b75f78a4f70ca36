import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import { listServices, type Service, startService } from '../services.ts';
import type { LabSettings } from '../settings.ts';
import type { ComponentName, Place } from './plan.ts';
import { isReady, type Readiness } from './readiness.ts';

/** A program of the cluster: what to start in a node, and how to see that it does its work. */
export interface Component {
  name: ComponentName;
  argv: readonly string[];
  ready: Readiness;
}

const deadlineMs = 60_000;

/** Starts the component unless it runs, and waits until it is ready. @throws E_LAB with its last words when it ends or is not in time */
export async function ensureComponent(
  settings: LabSettings,
  lab: string,
  node: Place,
  { name, argv, ready }: Component,
  ca: string,
): Promise<void> {
  const running = await runningService(settings, lab, node.name, name);
  const service = running ?? (await startService(settings, lab, node.name, argv, { name }));
  const end = performance.now() + deadlineMs;
  for (let fault = ''; ; await delay(25)) {
    try {
      if (await isReady(node, ready, ca)) return;
    } catch (error) {
      fault = messageOf(error);
    }
    const alive = await runningService(settings, lab, node.name, name);
    if (alive && performance.now() < end) continue;
    const how = alive ? `is not ready after ${deadlineMs / 1000} s (${fault})` : 'ended';
    throw new GodwitError('E_LAB', `${node.name}: ${name} ${how}: ${await lastWords(service)}`, {
      next: `Its log: ${service.log}`,
    });
  }
}

async function runningService(
  settings: LabSettings,
  lab: string,
  node: string,
  name: string,
): Promise<Service | undefined> {
  return (await listServices(settings, lab, node)).find((service) => service.name === name && service.running);
}

async function lastWords({ log }: Service): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-3).join(' | ').slice(-1000);
}
