import { CoreV1Api, KubeConfig, NodeV1Api, type V1Pod } from '@kubernetes/client-node';
import { registry } from '../../lab/kubernetes/plan.ts';
import { until } from './until.ts';

/** A pod of one container, `main`, with an emptyDir at /data, that answers HTTP on port 8080. */
export interface PodPlan {
  name: string;
  node: string;
  /** In the lab's registry, such as `counter:1`. */
  image: string;
  env: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

export interface TestPod extends PodPlan {
  uid: string;
}

export interface TestPods {
  create(plan: PodPlan): Promise<TestPod>;
  /** Resolves with its address when its container runs. */
  running(pod: TestPod): Promise<string>;
  remove(pod: TestPod): Promise<void>;
  read(pod: TestPod): Promise<V1Pod>;
}

const namespace = 'default';

export async function testPods(kubeconfig: string): Promise<TestPods> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const body = { metadata: { name: 'godwit' }, handler: 'godwit' };
  const known = await config.makeApiClient(NodeV1Api).listRuntimeClass();
  if (!known.items.some(({ metadata }) => metadata?.name === 'godwit'))
    await config.makeApiClient(NodeV1Api).createRuntimeClass({ body });
  const read = (pod: TestPod): Promise<V1Pod> => core.readNamespacedPod({ namespace, name: pod.name });
  return {
    read,
    create: async (plan) => {
      const made = await core.createNamespacedPod({ namespace, body: specOf(plan) });
      return { ...plan, uid: made.metadata?.uid ?? '' };
    },
    running: (pod) =>
      until(`${pod.name} to run`, 60_000, async () => {
        const { status } = await read(pod);
        return (status?.containerStatuses?.[0]?.state?.running && status.podIP) || undefined;
      }),
    remove: async (pod) => {
      await core.deleteNamespacedPod({ namespace, name: pod.name, gracePeriodSeconds: 0 }).catch(() => undefined);
    },
  };
}

function specOf({ name, node, image, env, annotations }: PodPlan): V1Pod {
  return {
    metadata: { name, annotations: { ...annotations }, labels: { app: 'counter' } },
    spec: {
      nodeName: node,
      runtimeClassName: 'godwit',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image: `${registry}/${image}`,
          env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  };
}
