import { expect, test } from 'vitest';
import type { NodeStatus } from '../status.ts';
import { certificatesOf } from './certificates.ts';
import { controlPlane, registryComponent } from './control-plane.ts';
import { hubComponentNames, planCluster, workerComponentNames } from './plan.ts';
import { workerComponents, workerFiles } from './worker.ts';

const node = (name: string, kind: NodeStatus['kind'], last: number, cores = 1): NodeStatus => ({
  name,
  kind,
  site: kind === 'edge' ? 'plant' : 'central',
  cores,
  memoryBytes: 2 ** 30,
  address: `10.88.7.${last}`,
  running: true,
  pid: 100 + last,
  root: `/proc/${100 + last}/root`,
});
const nodes = [node('hub', 'hub', 11), node('e', 'edge', 12, 0.5), node('c', 'cloud', 14, 4)];

test('the hub carries the control plane, and every other node has a network for pods of its own', () => {
  const { api, hub, workers } = planCluster('lab', nodes);
  expect(api).toBe('https://10.88.7.11:6443');
  expect(hub).toEqual({ name: 'hub', address: '10.88.7.11', root: '/proc/111/root' });
  expect(workers.map(({ name, tier, site, podCidr }) => [name, tier, site, podCidr])).toEqual([
    ['e', 'edge', 'plant', '10.244.12.0/24'],
    ['c', 'cloud', 'central', '10.244.14.0/24'],
  ]);
});

test.each([
  ['no hub', nodes.slice(1)],
  ['two hubs', [...nodes, node('hub-2', 'hub', 15)]],
  ['a hub alone', nodes.slice(0, 1)],
])('%s is refused', (_, wrong) => {
  expect(() => planCluster('lab', wrong)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
});

test('a node that does not run is named', () => {
  const { root: _root, ...dead } = node('e', 'edge', 12);
  expect(() => planCluster('lab', [nodes[0] as NodeStatus, dead])).toThrow('node e does not run');
});

test('what the status asks for is what is started', () => {
  const plan = planCluster('lab', nodes);
  const names = (components: readonly { name: string }[]): string[] => components.map(({ name }) => name).sort();
  expect(names([...controlPlane(plan), registryComponent])).toEqual([...hubComponentNames].sort());
  for (const worker of plan.workers) expect(names(workerComponents(worker))).toEqual([...workerComponentNames].sort());
});

test('a kubelet is who the node authorizer expects, and serves at its own address alone', () => {
  const all = certificatesOf(planCluster('lab', nodes));
  expect(all['node-e']).toEqual({
    name: 'system:node:e',
    organization: 'system:nodes',
    serves: { addresses: ['10.88.7.12'], names: ['e'] },
  });
  const administrators = Object.entries(all).filter(([, { organization }]) => organization === 'system:masters');
  expect(administrators.map(([file]) => file).sort()).toEqual(['admin', 'kubelet-client']);
});

test('what a node does not have of the machine is reserved', () => {
  const [small, large] = planCluster('lab', nodes).workers;
  const machine = { cores: 2, memoryBytes: 8 * 2 ** 30 };
  const config = (worker: typeof small): string =>
    worker ? (workerFiles(worker, machine)['/etc/kubernetes/kubelet.yaml'] ?? '') : '';
  expect(config(small)).toMatch(/systemReserved:\n {2}cpu: 1500m\n {2}memory: 7168Mi/);
  expect(config(large), 'more cores than the machine has').toMatch(/systemReserved:\n {2}cpu: 0m\n/);
});
