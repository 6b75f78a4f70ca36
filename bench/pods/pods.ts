import { podSchema } from '../../k8s/objects/pod.ts';
import { resources } from '../../k8s/resource.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { addressOfPod } from '../../test/helpers/pod-facts.ts';
import { until } from '../../test/helpers/until.ts';
import { counterEnv } from './path.ts';
import type { Stage } from './stage.ts';

type Cluster = Stage['cluster'];

export interface RunningPod {
  name: string;
  uid: string;
  node: string;
  address: string;
}

export interface NewPod {
  name: string;
  node: string;
  mib: number;
  /** In the lab's registry. */
  image: string;
  runtimeClassName?: string;
}

export const namespace = 'default';
const patienceMs = 180_000;

/** Resolves as soon as its sandbox has an address. */
export async function createPod(
  { client, node }: Cluster,
  { name, node: on, mib, image, runtimeClassName }: NewPod,
): Promise<RunningPod> {
  const env = Object.entries(counterEnv(mib)).map(([key, value]) => ({ name: key, value }));
  const pod = {
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      nodeName: on,
      ...(runtimeClassName && { runtimeClassName }),
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      // without a request it would have next to no share of a busy processor, which the same program without Kubernetes has
      containers: [{ name: 'main', image: `${registry}/${image}`, env, resources: { requests: { cpu: '500m' } } }],
    },
  };
  const { uid } = podSchema.parse(await client.create(resources.pods, pod)).metadata;
  return { name, uid, node: on, address: await addressOf({ node }, on, uid) };
}

/** A pod's address by its node's own files: the API hears of it only when the container runs. */
export const addressOf = ({ node }: Pick<Cluster, 'node'>, on: string, uid: string): Promise<string> =>
  until(`the address of a pod on ${on}`, patienceMs, () => addressOfPod(node(on), uid), 5);

export async function deletePod({ client }: Cluster, { name, uid }: RunningPod): Promise<void> {
  await client.delete(resources.pods, { namespace, name }, { gracePeriodSeconds: 0, uid });
  await untilGone(client, { name, uid });
}

export async function untilGone(
  client: Cluster['client'],
  { name, uid }: Pick<RunningPod, 'name' | 'uid'>,
): Promise<void> {
  await until(`${name} to go`, patienceMs, async () => {
    const found = await client.get(resources.pods, { namespace, name });
    return found?.metadata.uid !== uid || undefined;
  });
}
