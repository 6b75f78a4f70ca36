import { z } from 'zod';
import { hasStatus } from '../../../k8s/kube-error.ts';
import type { EdgeNode } from '../../../k8s/objects/edge-node.ts';
import { kubeObjectSchema } from '../../../k8s/objects/meta.ts';
import { type Resource, resources } from '../../../k8s/resource.ts';
import { parseAs } from '../../../lib/parse.ts';
import { leaseName, systemNamespace } from '../../../sidecar/config.ts';
import { runtimeClass } from '../../../sidecar/pods/obstacles.ts';
import type { ConfigMap } from '../../../sidecar/policy/judge.ts';
import { type Finding, warning } from '../../doctor/check.ts';
import type { Cluster } from '../cluster.ts';
import { type KubeNode, nodeSchema } from '../machine.ts';
import { listEdgeNodes } from '../nodes.ts';
import { readPolicyMap } from '../policy.ts';
import { type Survey, surveyWorkloads } from '../workloads.ts';

const runtimeClassSchema = kubeObjectSchema.extend({ handler: z.string() });

const leaseSchema = kubeObjectSchema.extend({
  spec: z
    .object({
      holderIdentity: z.string().default(''),
      leaseDurationSeconds: z.number().default(0),
      leaseTransitions: z.number().default(0),
      renewTime: z.string().default(''),
    })
    .prefault({}),
});
export type LeaseSeen = z.infer<typeof leaseSchema>['spec'];

/** What was found in the cluster; undefined where it could not be read, null where there is none. */
export interface ClusterFacts {
  nodes: KubeNode[] | undefined;
  /** Null: the kind is not known. */
  edgeNodes: EdgeNode[] | null | undefined;
  runtimeClass: { handler: string } | null | undefined;
  lease: LeaseSeen | null | undefined;
  policy: ConfigMap | null | undefined;
  /** Newest version in which admission policies that change objects are served. */
  admissionPolicies: string | null | undefined;
  survey: Survey | undefined;
}

export interface Gathered {
  facts: ClusterFacts;
  /** A finding for each thing that this person may not read. */
  denied: Finding[];
}

export async function gather(cluster: Cluster, namespace: string | undefined): Promise<Gathered> {
  const denied: Finding[] = [];
  const { client } = cluster;
  const unlessDenied = async <T>(check: string, load: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await load();
    } catch (error) {
      if (!hasStatus(error, 403)) throw error;
      denied.push(warning(check, `not looked at: ${error.message}`, 'ask for the right, or ask somebody who has it'));
      return undefined;
    }
  };
  const nodes = async (): Promise<KubeNode[]> => {
    const { items } = await client.list(resources.nodes, {});
    return items.map((item) => parseAs(nodeSchema, item, 'Node'));
  };
  const readClass = async () => {
    const found = await client.get(resources.runtimeClasses, { name: runtimeClass });
    return found ? parseAs(runtimeClassSchema, found, 'RuntimeClass') : null;
  };
  const edgeNodes = await unlessDenied('EdgeNodes', () => unlessUnknown(listEdgeNodes(cluster)));
  const facts = {
    nodes: await unlessDenied('nodes', nodes),
    edgeNodes,
    runtimeClass: await unlessDenied('RuntimeClass', readClass),
    lease: await unlessDenied('controllers', () => readLease(cluster)),
    policy: await unlessDenied('policy', async () => (await readPolicyMap(cluster)) ?? null),
    admissionPolicies: await unlessDenied('admission policies', () => admissionPolicies(cluster)),
    survey: edgeNodes
      ? await unlessDenied('workloads', () => surveyWorkloads(cluster, namespace === undefined ? {} : { namespace }))
      : undefined,
  };
  return { facts, denied };
}

export async function readLease({ client }: Cluster): Promise<LeaseSeen | null> {
  const found = await client.get(resources.leases, { namespace: systemNamespace, name: leaseName });
  return found ? parseAs(leaseSchema, found, 'Lease').spec : null;
}

/** Null for a kind that the API server does not know. */
async function unlessUnknown<T>(listing: Promise<T>): Promise<T | null> {
  try {
    return await listing;
  } catch (error) {
    if (hasStatus(error, 404)) return null;
    throw error;
  }
}

async function admissionPolicies({ client }: Cluster): Promise<string | null> {
  for (const version of ['v1', 'v1beta1', 'v1alpha1']) {
    const resource: Resource = { ...resources.mutatingAdmissionPolicies, version };
    if ((await unlessUnknown(client.list(resource, {}))) !== null) return version;
  }
  return null;
}
