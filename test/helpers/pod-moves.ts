import { randomUUID } from 'node:crypto';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { openStore, type Store } from '../../lib/bus/kv.ts';
import { publish } from '../../lib/bus/publish.ts';
import type { Command } from '../../lib/contract/migration.ts';
import { type NodeRecord, nodeRecordSchema } from '../../lib/contract/node.ts';
import { inboundMarks, type PodDeclaration, podDeclarationsSchema } from '../../lib/contract/pod.ts';
import type { Logger } from '../../lib/logger.ts';
import { commandSubject } from '../../lib/subjects.ts';
import type { TestPod, TestPods } from './pods.ts';
import { until } from './until.ts';

/** What the controllers of a cluster do, by hand: declarations, the pod at the target, the command. */
export interface PodController {
  /** Tells the agents of the nodes what these pods are. */
  declare(...pods: readonly TestPod[]): Promise<void>;
  /** Resolves when the agent of the pod's node reports its workload. */
  reported(pod: TestPod): Promise<void>;
  /** Makes the target's pod, which waits; resolves when its node has told so. */
  prepare(source: TestPod, node: string): Promise<Prepared>;
  order(source: TestPod, prepared: Prepared, more?: Partial<Command>): Promise<void>;
  record(node: string): Promise<NodeRecord | undefined>;
}

export interface Prepared {
  migration: string;
  pod: TestPod;
}

const workloadOf = (pod: TestPod): string => pod.annotations[inboundMarks.workload] ?? `default.${pod.name}`;

/** `connection`: as the user `controller`. */
export async function podController(
  connection: NatsConnection,
  pods: TestPods,
  sites: Readonly<Record<string, string>>,
  log: Logger,
): Promise<PodController> {
  const declarations = await openStore(connection, 'pods', podDeclarationsSchema, log);
  const nodes: Store<NodeRecord> = await openStore(connection, 'nodes', nodeRecordSchema, log);
  const record = async (node: string): Promise<NodeRecord | undefined> => (await nodes.get(node))?.value;
  const nodeNames = Object.keys(sites);
  return {
    record,
    declare: async (...all) => {
      for (const node of nodeNames) {
        const here = all.filter((pod) => pod.node === node).map(declarationOf);
        await declarations.put(node, { pods: here, updatedAt: Date.now() });
      }
    },
    reported: async (pod) => {
      await until(`${pod.node} to report ${pod.name}`, 30_000, async () => {
        const found = (await record(pod.node))?.workloads.find((one) => one.pod?.name === pod.name);
        return found !== undefined || undefined;
      });
    },
    prepare: async (source, node) => {
      const migration = randomUUID();
      const annotations = {
        [inboundMarks.migration]: migration,
        [inboundMarks.workload]: workloadOf(source),
        [inboundMarks.home]: 'edge-1',
      };
      const pod = await pods.create({ ...source, node, name: `${source.name}-m${migration.slice(0, 8)}`, annotations });
      await until(`${pod.name} to wait on ${node}`, 60_000, async () => {
        return (await record(node))?.inbound?.includes(migration) || undefined;
      });
      return { migration, pod };
    },
    order: async (source, { migration, pod }, more = {}) => {
      const now = Date.now();
      const command: Command = {
        id: migration,
        workload: workloadOf(source),
        source: source.node,
        target: pod.node,
        strategy: 'auto',
        trigger: 'manual',
        decision: migration,
        epoch: 1,
        issuedAt: now,
        expiresAt: now + 60_000,
        ...more,
      };
      const subject = commandSubject(sites[source.node] ?? '', migration);
      await publish(jetstream(connection), subject, command, { id: migration });
    },
  };
}

function declarationOf(pod: TestPod): PodDeclaration {
  return {
    name: workloadOf(pod),
    image: pod.image,
    keeps: 'memory',
    strategy: 'auto',
    migrate: true,
    home: 'edge-1',
    priority: 0,
    uid: pod.uid,
    namespace: 'default',
    pod: pod.name,
    container: 'main',
  };
}
