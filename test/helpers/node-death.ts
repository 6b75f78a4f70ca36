import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureComponent } from '../../lab/kubernetes/component.ts';
import { planCluster } from '../../lab/kubernetes/plan.ts';
import { clusterDir } from '../../lab/kubernetes/status.ts';
import { workerComponents } from '../../lab/kubernetes/worker.ts';
import { labStart, linkCut, linkHeal } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import { type FleetNode, readInNode, type TestFleet } from './fleet.ts';
import { until } from './until.ts';

/**
 * The node's power is cut: first its cable, so that nobody hears a last word, then every process in it but the one that keeps its
 * namespaces. A frozen process dies only when it is thawed; nothing thaws it here.
 */
export async function cutPower(fleet: TestFleet, name: string): Promise<void> {
  await linkCut(fleet.name, { node: name });
  const node = fleet.node(name);
  await until(`everything on ${name} to end`, 20_000, async () => {
    const left = await processesOf(node);
    if (left.length === 0) return true;
    // one that has ended meanwhile is no fault
    await fleet.exec(name, ['sh', '-c', 'kill -KILL "$@" 2>/dev/null; true', 'sh', ...left]);
    return undefined;
  });
}

/** What the node runs and is not a zombie; its first process is the lab's. */
async function processesOf(node: FleetNode): Promise<string[]> {
  const pids = (await readdir(join(node.root, 'proc'))).filter((pid) => /^\d+$/.test(pid) && pid !== '1');
  const alive = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readInNode(node, `proc/${pid}/stat`);
      return stat !== undefined && !/\) Z /.test(stat);
    }),
  );
  return pids.filter((_, index) => alive[index]);
}

const forgetMemory = `
awk '$5 ~ "^/run/(containerd|godwit|netns)" { print $5 }' /proc/self/mountinfo | sort -r | while read -r point; do
  umount -l "$point"
done
rm -rf /run/containerd /run/godwit /run/netns`;

/** It boots again: what lay in memory is gone, what lay on the disk is there. */
export async function restorePower(fleet: TestFleet, name: string): Promise<void> {
  await fleet.exec(name, ['sh', '-c', forgetMemory]);
  await linkHeal(fleet.name, { node: name });
  const settings = labSettings();
  const plan = planCluster(fleet.lab.name, fleet.lab.nodes);
  const worker = plan.workers.find((one) => one.name === name);
  if (!worker) throw new Error(`${name} is no worker`);
  const ca = await readFile(join(clusterDir(settings, plan.lab), 'ca.crt'), 'utf8');
  for (const component of workerComponents(worker)) await ensureComponent(settings, plan.lab, worker, component, ca);
  await labStart(fleet.name, name, ['godwit', 'agent'], { name: 'agent' });
}
