import type { Migration, MigrationStatus } from '../../k8s/objects/migration.ts';
import type { KubeNode } from '../../k8s/objects/node.ts';
import type { Pod } from '../../k8s/objects/pod.ts';
import type { NodeRecord } from '../../lib/contract/node.ts';
import type { Observed } from './observed.ts';
import type { Owner } from './owners.ts';

export const uid = '0a1b2c3d-0000-4000-8000-000000000001';
export const bornAt = Date.parse('2026-11-21T10:00:00Z');

export const aPod = (spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name: 'web', namespace: 'shop', uid: 'pod-1', resourceVersion: '7', labels: { app: 'web' }, ...metadata },
  spec: {
    nodeName: 'edge-1',
    runtimeClassName: 'godwit',
    restartPolicy: 'Always',
    containers: [{ name: 'main', image: 'registry/web:1' }],
    ...spec,
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});

export const aNode = (rest: Partial<KubeNode> = {}): KubeNode => ({
  metadata: { name: 'cloud-1', uid: 'node-1', resourceVersion: '1', labels: { tier: 'cloud' } },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
  ...rest,
});

export const aMigration = (status?: MigrationStatus, metadata: Partial<Migration['metadata']> = {}): Migration => ({
  metadata: {
    ...{ name: 'move', namespace: 'shop', uid, resourceVersion: '5', generation: 1 },
    creationTimestamp: new Date(bornAt).toISOString(),
    finalizers: ['godwit.dev/migration'],
    ...metadata,
  },
  spec: { pod: 'web', target: 'cloud-1', strategy: 'auto', trigger: 'manual' },
  ...(status && { status }),
});

export const aRecord = (name: string, rest: Partial<NodeRecord> = {}): NodeRecord => ({
  ...{ name, site: 'plant', tier: 'edge', address: '192.0.2.1', engines: ['kubernetes'], versions: {} },
  ...{ capacity: { cores: 2, memoryBytes: 2 ** 30 }, workloads: [], updatedAt: bornAt },
  ...rest,
});

export const aWorkload: NodeRecord['workloads'][number] = {
  ...{ name: 'shop.web', image: 'web', keeps: 'memory', strategy: 'auto', migrate: true, home: 'edge-1' },
  ...{ priority: 0, startedAt: bornAt, pod: { namespace: 'shop', name: 'web' } },
};

export const anOwner = (rest: Partial<Owner> = {}): Owner => ({
  metadata: { name: 'web-abc', namespace: 'shop', uid: 'rs-1', resourceVersion: '1' },
  spec: { selector: { matchLabels: { app: 'web', 'pod-template-hash': 'abc' } } },
  ...rest,
});

/** A Migration that can be accepted. */
export const observed = (rest: Partial<Observed> = {}): Observed => ({
  migration: aMigration(),
  others: [],
  namesake: undefined,
  source: aPod(),
  target: undefined,
  node: aNode(),
  owner: undefined,
  records: { source: aRecord('edge-1', { workloads: [aWorkload] }), target: aRecord('cloud-1') },
  checkpoints: undefined,
  progress: undefined,
  eviction: { allowed: true },
  now: bornAt + 1000,
  ...rest,
});
