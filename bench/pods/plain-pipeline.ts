import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { loadKubeConfig } from '../../k8s/kubeconfig.ts';
import { data } from '../../lab/kubernetes/control-plane.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labExec } from '../../lab/lab.ts';
import { parseJson } from '../../lib/parse.ts';
import { outsideClient } from './client.ts';
import type { Path } from './path.ts';
import { createPod, deletePod, type RunningPod } from './pods.ts';
import type { Stage } from './stage.ts';

const checkpointSchema = z.object({ items: z.tuple([z.string()]) });

const store = `${data}/buildah`;
// As kubernetes.io and checkpointctl have it. $1: the archive, $2: the image.
const build = `
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=overlay
buildah() { command buildah --root ${store} --runroot /run/buildah "$@"; }
container=$(buildah from scratch)
buildah add --quiet "$container" "$1" /
buildah config --annotation=org.criu.checkpoint.container.name=main "$container"
buildah commit --quiet "$container" "$2"
buildah push --quiet "$2"`;
const clean = `
export STORAGE_DRIVER=overlay
buildah() { command buildah --root ${store} --runroot /run/buildah "$@"; }
buildah rm --all
buildah rmi --all --force
rm -f /var/lib/kubelet/checkpoints/*
# what it has written to the disk is not to weigh on who comes next
sync`;

/**
 * What Kubernetes offers by itself, at its quickest: kubelet's checkpoint API, an image by buildah on the source's node, a pod of that image
 * with its node already chosen. No time passes for a person, nor for starting kubectl. Each move begins with a new pod at the source.
 */
export function plainPipeline(cluster: Stage['cluster']): Path {
  const { lab } = cluster;
  let mib = 0;
  let moves = 0;
  const sh = (node: string, script: string, ...args: string[]): Promise<unknown> =>
    labExec(lab, node, ['/bin/sh', '-euc', script, 'sh', ...args], { timeoutMs: 300_000 });

  const measure = async (
    source: RunningPod,
    name: string,
  ): Promise<{ copy: RunningPod; found: Record<string, number> }> => {
    const client = await outsideClient(lab);
    try {
      client.add(source.address);
      await client.untilAnswers(source.address);
      const began = Date.now();
      const archive = await checkpoint(cluster, source);
      const checkpointed = Date.now();
      await sh(source.node, build, archive, `${registry}/${name}:1`);
      const pushed = Date.now();
      const copy = await createPod(cluster, { name: `${name}-copy`, node: 'cloud-1', mib, image: `${name}:1` });
      client.add(copy.address);
      await client.untilAnswers(copy.address);
      const { first } = client.handOver(source.address, copy.address);
      const [checkpointMs, imageMs, podMs] = [checkpointed - began, pushed - checkpointed, first - pushed];
      return { copy, found: { downtimeMs: first - began, checkpointMs, imageMs, podMs } };
    } finally {
      client.stop();
    }
  };

  return {
    name: 'plain',
    // the nodes' /etc/criu/runc.conf is there already, without which CRIU refuses whatever has an open connection
    start: async (size) => {
      mib = size;
    },
    move: async () => {
      const name = `plain-${mib}-${moves++}`;
      const source = await createPod(cluster, { name, node: 'edge-1', mib, image: 'counter:1' });
      const { copy, found } = await measure(source, name);
      await deletePod(cluster, source);
      await deletePod(cluster, copy);
      await sh('edge-1', clean);
      return found;
    },
    stop: async () => undefined,
  };
}

/** Path of the archive on the source's node. */
async function checkpoint({ kubeconfig, node }: Stage['cluster'], { name, node: on }: RunningPod): Promise<string> {
  const config = loadKubeConfig(kubeconfig);
  const url = `https://${node(on).address}:10250/checkpoint/default/${name}/main?timeout=110`;
  const options = { method: 'POST', headers: {} };
  await config.applyToHTTPSOptions(options);
  const asked = request(url, options).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await text(response);
  return parseJson(checkpointSchema, body, 'checkpoint').items[0];
}
