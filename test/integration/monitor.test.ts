import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Telemetry } from '../../lib/contract/telemetry.ts';
import { createTestGroups, type TestGroups } from '../helpers/cgroups.ts';
import { eventually } from './lab-helpers.ts';
import { type MonitorSite, spawnMonitor, startMonitorSite } from './monitor-helpers.ts';
import type { Received } from './monitor-leaf.ts';

const mebibyte = 2 ** 20;
const busy = 'while :; do :; done';
const idle = 'sleep 600';

let groups: TestGroups;
let site: MonitorSite;

beforeAll(async () => {
  groups = await createTestGroups();
});
afterAll(() => groups.removeAll());
beforeEach(async () => {
  site = await startMonitorSite();
});
afterEach(() => site.close());

const names = (message: Telemetry): string[] => message.containers.map(({ workload }) => workload);
const sampleOf = (message: Telemetry, name: string) => message.containers.find(({ workload }) => workload === name);
const has = (name: string) => (message: Telemetry) => names(message).includes(name);

/** One start's messages: each once, in order, without a gap. */
function expectUnbroken(received: readonly Received[]): void {
  expect(received.map(({ message }) => message.sequence)).toEqual(received.map((_, index) => index));
  expect(new Set(received.map(({ message }) => message.boot)).size).toBe(1);
}

test('CPU, throttling, memory and limits of real groups are right', async () => {
  const limited = await groups.create('limited', { cores: 0.05, memoryBytes: 64 * mebibyte });
  const holder = await groups.create('holder');
  await site.addContainer('limited', limited);
  await site.addContainer('holder.of-memory', holder);
  await site.start(500);
  await site.until(() => true);
  limited.run('i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; sleep 600');
  holder.run(`kept=$(head -c ${24 * mebibyte} /dev/zero | tr '\\0' x); sleep 600`);

  const held = (message: Telemetry) => (sampleOf(message, 'holder.of-memory')?.memoryBytes ?? 0) > 24 * mebibyte;
  const { sequence } = await site.until(held);
  const rests = (message: Telemetry) => message.sequence > sequence && sampleOf(message, 'limited')?.cpuCores === 0;
  const message = await site.until(rests, { deadlineMs: 40_000 });
  const { subject, id } = site.leaf.received.find((one) => one.message === message) ?? {};
  expect(subject).toBe('telemetry.v1.edge.edge-1');
  expect(id).toBe(`edge.edge-1.${message.boot}.${message.sequence}`);
  expect(message).toMatchObject({ site: 'edge', node: 'edge-1', tier: 'edge' });
  expect(Math.abs(message.at - Date.now())).toBeLessThan(10_000);

  // What the samples add up to is what the kernel has counted, however busy the machine is.
  const samples = site.leaf.received.map(({ message: one }) => ({ ...one, ...sampleOf(one, 'limited') }));
  const reportedMs = samples.reduce((sum, one) => sum + (one.cpuCores ?? 0) * one.intervalMs, 0);
  const countedMs = await limited.cpuMs();
  expect(reportedMs).toBeGreaterThan(countedMs * 0.95);
  expect(reportedMs).toBeLessThan(countedMs * 1.05);
  expect(Math.max(...samples.map((one) => one.throttledRatio ?? 0))).toBeGreaterThan(0.3);
  expect(Math.max(...samples.map((one) => one.cpuCores ?? 0))).toBeLessThan(0.1);

  expect(sampleOf(message, 'limited')).toMatchObject({ cpuLimitCores: 0.05, memoryLimitBytes: 64 * mebibyte });
  expect(sampleOf(message, 'limited')?.memoryBytes).toBeLessThan(8 * mebibyte);
  const other = sampleOf(message, 'holder.of-memory');
  expect(other?.memoryBytes).toBeLessThan(48 * mebibyte);
  for (const absent of ['cpuLimitCores', 'memoryLimitBytes', 'throttledRatio'])
    expect(other).not.toHaveProperty(absent);

  expect(message.cpu.usageCores).toBeGreaterThan(0);
  expect(message.cpu.usageCores).toBeLessThanOrEqual(message.cpu.capacityCores);
  expect(message.memory.usageBytes).toBeGreaterThan(24 * mebibyte);
  expect(message.memory.usageBytes).toBeLessThan(message.memory.capacityBytes);
});

test('containers come and go; one whose group vanishes first is no error', async () => {
  const [first, second] = [await groups.create('first'), await groups.create('second')];
  for (const group of [first, second]) group.run(idle);
  const monitor = await site.start();
  await site.until((message) => message.containers.length === 0);
  await site.addContainer('first', first);
  await site.addContainer('second', second);
  await site.until((message) => names(message).length === 2);

  await first.remove();
  const { sequence } = await site.until((message) => names(message).join() === 'second');
  await site.removeContainer('second');
  await site.until((message) => message.sequence > sequence && message.containers.length === 0);

  const again = await groups.create('first');
  again.run(busy);
  const from = site.leaf.received.length;
  const back = await site.until((message) => (sampleOf(message, 'first')?.cpuCores ?? 0) > 0.02, { from });
  expect(names(back)).toEqual(['first']);
  expect(monitor.log()).not.toContain('can not be read');
  expect(monitor.log()).not.toContain('not watched');
});

test('a newcomer is noticed between two samples, also in a root that was not there at the start', async () => {
  await rm(site.runcRoot, { recursive: true });
  await site.start(3000);
  const group = await groups.create('newcomer');
  group.run(busy);
  await site.until(() => true);
  await site.addContainer('early', group);
  const { sequence } = await site.until(has('early'));
  // From now on the folder is watched: the very next message has a newcomer, whose counters were first read in between.
  await site.addContainer('newcomer', group);
  const next = await site.until((message) => message.sequence === sequence + 1);
  expect(names(next)).toContain('newcomer');
});

test('a container whose process has ended is not reported', async () => {
  const group = await groups.create('ended');
  group.run(idle);
  await site.addContainer('ended', group);
  await site.start();
  await site.until(has('ended'));
  await group.killAll();
  const from = site.leaf.received.length;
  await site.until((message) => !names(message).includes('ended'), { from });
});

test('a restart of the server loses nothing and repeats nothing', async () => {
  await site.start(100);
  await site.until(({ sequence }) => sequence >= 3);
  await site.leaf.stop();
  const lastBefore = site.leaf.received.at(-1)?.message.sequence ?? 0;
  await eventually(async () => (Date.now() - (site.leaf.received.at(-1)?.message.at ?? 0) > 2000 ? true : undefined));
  await site.leaf.start();
  await site.until(({ sequence }) => sequence > lastBefore + 20);
  expectUnbroken(site.leaf.received);
});

test('what is sampled before the server is there arrives once it is', async () => {
  await site.leaf.stop();
  const monitor = await site.start(100);
  await eventually(async () => (monitor.log().includes('node facts') ? true : undefined), 30_000);
  await site.leaf.start();
  await site.until(({ sequence }) => sequence >= 10);
  expectUnbroken(site.leaf.received);
});

test('after kill -9 the next start has another boot id and counts from 0', async () => {
  const killed = await site.start(100);
  const { boot } = await site.until(({ sequence }) => sequence >= 3);
  await killed.stop('SIGKILL');
  await site.start(100);
  await site.until((message) => message.boot !== boot && message.sequence >= 3);
  const of = (own: boolean) => site.leaf.received.filter(({ message }) => (message.boot === boot) === own);
  expectUnbroken(of(true));
  expectUnbroken(of(false));
  expect(new Set(site.leaf.received.map(({ id }) => id)).size).toBe(site.leaf.received.length);
});

test('SIGTERM ends it cleanly; without a server it gives up soon and says what was lost', async () => {
  const first = await site.start(100);
  await site.until(({ sequence }) => sequence >= 3);
  expect(await first.stop('SIGTERM')).toBe(0);
  expect(first.log()).not.toContain('lost');

  await site.leaf.stop();
  const second = await site.start(100);
  await eventually(async () => (second.log().includes('node facts') ? true : undefined), 30_000);
  const asked = Date.now();
  expect(await second.stop('SIGTERM')).toBe(0);
  expect(Date.now() - asked).toBeLessThan(15_000);
  expect(second.log()).toMatch(/"lost":\d+.*stopped before everything was published/);
});

test('a message that the server finds too large is given up and holds up nobody', async () => {
  await site.close();
  site = await startMonitorSite({ max_payload: 700 });
  const group = await groups.create('large');
  group.run(idle);
  const monitor = await site.start();
  await site.until(() => true);
  const ids = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(100));
  for (const id of ids) await site.addContainer(id, group);
  await eventually(async () => (monitor.log().includes('"hopeless":true') ? true : undefined));
  const from = site.leaf.received.length;
  for (const id of ids) await site.removeContainer(id);
  await site.until((message) => message.containers.length === 0, { from });
});

test('a faulty configuration is refused with the path of each fault', async () => {
  const path = join(site.runcRoot, 'node.yaml');
  await writeFile(path, 'name: edge-1\nsite: edge\ntier: fog\naddress: 127.0.0.1\nnats: { servers: [] }\n');
  const monitor = spawnMonitor(['--config', path]);
  await once(monitor.process, 'close');
  expect(monitor.process.exitCode).toBe(2);
  expect(monitor.log()).toMatch(/^E_CONFIG: .*tier: .*nats\.servers: /);
});
