import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { labExec } from '../../lab/lab.ts';
import type { NodeStatus } from '../../lab/status.ts';
import { until } from './until.ts';

const registryTags =
  'var/lib/godwit/kubernetes/registry/docker/registry/v2/repositories/godwit/checkpoints/_manifests/tags';

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Archives, names of images and guards that moves of pods as images have left anywhere in the lab, a line each. */
async function checkpointsLeft(lab: string, nodes: readonly NodeStatus[]): Promise<string[]> {
  const found: string[] = [];
  for (const { name, kind, root = '' } of nodes) {
    if (kind === 'hub') {
      found.push(...(await list(join(root, registryTags))).map((tag) => `registry: ${tag}`));
      continue;
    }
    const archives = await list(join(root, 'var/lib/kubelet/checkpoints'));
    const { stdout } = await labExec(lab, name, ['ctr', '-n', 'k8s.io', 'images', 'ls', '-q']);
    const images = stdout.split('\n').filter((one) => one.includes('godwit/checkpoints'));
    const pods = join(root, 'var/lib/kubelet/pods');
    const inside = await Promise.all((await list(pods)).map((pod) => list(join(pods, pod))));
    const guards = inside.flat().filter((one) => one === 'etc-hosts.godwit');
    found.push(...[...archives, ...images, ...guards].map((one) => `${name}: ${one}`));
  }
  return found;
}

/** Resolves when nothing is left of them. */
export const untilNoCheckpoints = (lab: string, nodes: readonly NodeStatus[], ms = 60_000): Promise<boolean> =>
  until('nothing to be left', ms, async () => {
    const left = await checkpointsLeft(lab, nodes);
    if (left.length > 0) throw new Error(left.join());
    return true;
  });
