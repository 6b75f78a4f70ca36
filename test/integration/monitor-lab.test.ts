import { cp, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import { labStart } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { createTestGroups, type TestGroups } from '../helpers/cgroups.ts';
import { node, nodeOf, sh, testLabs } from './lab-helpers.ts';
import { nodeYaml } from './monitor-helpers.ts';
import { type MonitorLeaf, startMonitorLeaf } from './monitor-leaf.ts';

const mebibyte = 2 ** 20;
const folder = '/var/lib/godwit';
const bundle = `${folder}/bundle`;

const labs = testLabs();
let leaf: MonitorLeaf | undefined;
let groups: TestGroups | undefined;
afterEach(async () => {
  await groups?.removeAll();
  await leaf?.close();
});
afterAll(() => labs.downAll());

const prepare = `
  mkdir -p ${bundle}/rootfs/bin ${bundle}/rootfs/proc ${bundle}/rootfs/dev ${bundle}/rootfs/sys
  cp /bin/busybox ${bundle}/rootfs/bin/; ln -s busybox ${bundle}/rootfs/bin/sh
  cd ${bundle} && runc spec && cat config.json`;

async function makeBundle(lab: LabStatus, resources: object): Promise<void> {
  const config = JSON.parse(await sh(lab, 'edge-1', prepare));
  config.process.terminal = false;
  config.process.args = ['sh', '-c', 'while :; do :; done'];
  delete config.process.rlimits; // they need CAP_SYS_RESOURCE, which not every machine has
  config.linux.resources = { ...config.linux.resources, ...resources };
  await writeFile(`${nodeOf(lab, 'edge-1').root}${bundle}/config.json`, JSON.stringify(config));
}

async function startMonitor(lab: LabStatus, at: MonitorLeaf): Promise<void> {
  const { root } = nodeOf(lab, 'edge-1');
  const pki = `${folder}/pki`;
  await cp(at.pki, `${root}${pki}`, { recursive: true });
  const yaml = nodeYaml({ port: at.port, pki }, { intervalMs: 1000, address: lab.host.address });
  await writeFile(`${root}${folder}/node.yaml`, yaml);
  const argv = ['/opt/godwit/node_modules/.bin/node', '/opt/godwit/monitor/main.ts', '--config', `${folder}/node.yaml`];
  await labStart(lab.name, 'edge-1', argv, { name: 'monitor' });
}

test('a virtual node reports its own limits and use, and what runc runs there', async () => {
  const lab = await labs.up([node('edge-1', 'edge', { cores: 0.5, memoryBytes: 300 * mebibyte })]);
  leaf = await startMonitorLeaf(lab.host.address);
  await makeBundle(lab, {
    cpu: { quota: 20_000, period: 100_000 },
    memory: { limit: 32 * mebibyte },
  });
  groups = await createTestGroups();
  // Load outside of the node is none of its business.
  (await groups.create('neighbour')).run('while :; do :; done');
  await sh(lab, 'edge-1', `cd ${bundle} && runc run -d box.1 </dev/null >/dev/null 2>&1`);
  await startMonitor(lab, leaf);

  const message = await leaf.until(({ sequence, containers }) => sequence >= 3 && containers.length === 1);
  expect(message.cpu.capacityCores).toBe(0.5);
  expect(message.memory.capacityBytes).toBe(300 * mebibyte);
  const [box] = message.containers;
  expect(box).toMatchObject({ workload: 'box.1', cpuLimitCores: 0.2, memoryLimitBytes: 32 * mebibyte });
  expect(box?.cpuCores).toBeGreaterThan(0.02);
  expect(box?.cpuCores).toBeLessThan(0.25);
  expect(box).toHaveProperty('throttledRatio');
  expect(message.cpu.usageCores).toBeGreaterThanOrEqual((box?.cpuCores ?? 0) * 0.8);
  expect(message.cpu.usageCores).toBeLessThan(0.5);
  expect(message.memory.usageBytes).toBeLessThan(300 * mebibyte);

  await sh(lab, 'edge-1', 'runc delete -f box.1');
  await leaf.until(({ sequence, containers }) => sequence > message.sequence && containers.length === 0);
});
