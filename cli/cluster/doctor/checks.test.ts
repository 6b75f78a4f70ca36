import { expect, test } from 'vitest';
import { type EdgeNode, edgeNodeSchema } from '../../../k8s/objects/edge-node.ts';
import { configMapSchema } from '../../../sidecar/policy/judge.ts';
import { type KubeNode, nodeSchema } from '../machine.ts';
import { controllers, judgeCluster, machine } from './checks.ts';
import type { ClusterFacts } from './facts.ts';

const metadata = (name: string) => ({ name, uid: `uid-${name}`, resourceVersion: '1' });

const nodeOf = (name: string, runtime = 'containerd://2.1.9', kubelet = 'v1.36.3', ready = 'True'): KubeNode =>
  nodeSchema.parse({
    metadata: metadata(name),
    status: {
      conditions: [{ type: 'Ready', status: ready }],
      nodeInfo: { kubeletVersion: kubelet, containerRuntimeVersion: runtime },
    },
  });

const condition = (type: string, status: string) => ({
  ...{ type, status, reason: 'Because', message: `${type} is so`, lastTransitionTime: '2026-05-01T12:00:00Z' },
});
const edgeNodeOf = (name: string, status?: object): EdgeNode =>
  edgeNodeSchema.parse({ metadata: metadata(name), spec: { tier: 'edge', site: 'plant' }, ...(status && { status }) });
const good = { conditions: [condition('Ready', 'True'), condition('Monitored', 'True')], versions: { criu: '4.2.1' } };

const sound: ClusterFacts = {
  nodes: [nodeOf('edge-1')],
  edgeNodes: [edgeNodeOf('edge-1', good)],
  runtimeClass: { handler: 'godwit' },
  lease: null,
  policy: null,
  admissionPolicies: 'v1',
  survey: { workloads: [], faults: [] },
};
const states = (facts: Partial<ClusterFacts>) =>
  Object.fromEntries(judgeCluster({ ...sound, ...facts }).map(({ check, state }) => [check, state]));

test('a sound cluster is all ok, and says of each node what it has', () => {
  const found = judgeCluster(sound);
  expect(found.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(found.map(({ check }) => check)).toEqual([
    ...['definitions', 'RuntimeClass', 'policy', 'admission policies'],
    ...['node edge-1', 'EdgeNode edge-1', 'programs of edge-1'],
  ]);
});

test('what could not be read is not judged', () => {
  const nothing = { nodes: undefined, edgeNodes: undefined, runtimeClass: undefined, policy: undefined };
  expect(states({ ...nothing, admissionPolicies: undefined, survey: undefined })).toEqual({});
});

const faults: [string, Partial<ClusterFacts>, object][] = [
  ['no definitions', { edgeNodes: null }, { definitions: 'fault' }],
  ['no EdgeNode at all', { edgeNodes: [] }, { definitions: 'warning', 'EdgeNode edge-1': 'ok' }],
  ['no RuntimeClass', { runtimeClass: null }, { RuntimeClass: 'warning' }],
  ['an old API server', { admissionPolicies: 'v1beta1' }, { 'admission policies': 'warning' }],
  ['an EdgeNode that nobody looked at', { edgeNodes: [edgeNodeOf('edge-1')] }, { 'EdgeNode edge-1': 'warning' }],
  [
    'an agent that is silent',
    {
      edgeNodes: [
        edgeNodeOf('edge-1', { conditions: [condition('Ready', 'Unknown'), condition('Monitored', 'True')] }),
      ],
    },
    { 'EdgeNode edge-1': 'warning' },
  ],
  [
    'pods without a sidecar',
    {
      edgeNodes: [edgeNodeOf('edge-1', { conditions: [condition('Ready', 'True'), condition('Monitored', 'False')] })],
    },
    { 'EdgeNode edge-1': 'warning' },
  ],
  [
    'a node without CRIU',
    { edgeNodes: [edgeNodeOf('edge-1', { ...good, versions: { runc: '1.3.6', criu: 'missing' } })] },
    { 'programs of edge-1': 'fault' },
  ],
  [
    'a node without godwit-image, which the image path needs',
    { edgeNodes: [edgeNodeOf('edge-1', { ...good, versions: { criu: '4.2.1', 'godwit-image': 'missing' } })] },
    { 'programs of edge-1': 'fault' },
  ],
  ['an EdgeNode without a node', { nodes: [] }, { 'EdgeNode edge-1': 'warning' }],
  [
    'a policy that is rejected',
    { policy: policyMap({ 'godwit.dev/accepted': 'false', 'godwit.dev/faults': 'line 1: spec: wrong' }) },
    { policy: 'warning' },
  ],
  ['a policy that nobody judged', { policy: policyMap({}) }, { policy: 'warning' }],
];
test.each(faults)('%s', (_, facts, expected) => {
  expect(states(facts)).toMatchObject(expected);
});

function policyMap(annotations: Record<string, string>) {
  return configMapSchema.parse({ metadata: { ...metadata('godwit-policy'), annotations } });
}

const handler = { handler: 'godwit' };
test.each([
  ['containerd://2.1.9', 'v1.36.3', handler, 'ok', /2\.1\.9: runtime path; image path$/],
  ['containerd://2.4.1', 'v1.36.3', handler, 'ok', /runtime path; no image path \(checkpoint only\)$/],
  ['containerd://2.3.4', 'v1.36.3', handler, 'ok', /image path needs enable_experimental_restore_via_create = true$/],
  ['containerd://2.1.9', 'v1.36.3', null, 'ok', /2\.1\.9: image path$/],
  ['containerd://2.3.4', 'v1.36.3', null, 'warning', /image path needs/],
  ['containerd://2.1.9', 'v1.29.0', null, 'warning', /image path needs the gate ContainerCheckpoint$/],
  ['containerd://2.4.1', 'v1.36.3', null, 'warning', /: no image path/],
  ['containerd://2.1.8', 'v1.36.3', handler, 'warning', /restore has holes$/],
  ['containerd://1.7.20', 'v1.24.0', null, 'warning', /no image path \(no checkpoint\)$/],
  ['cri-o://1.36.4', 'v1.36.3', handler, 'warning', /: image path needs container_level_enabled/],
  ['docker://27.0.0', 'v1.36.3', handler, 'warning', /not known to Godwit$/],
] as const)('%s, kubelet %s, RuntimeClass %j: %s', (runtime, kubelet, runtimeClass, state, found) => {
  const finding = machine(nodeOf('edge-1', runtime, kubelet), { runtimeClass });
  expect(finding).toMatchObject({ state, found: expect.stringMatching(found) });
  expect(finding.next !== undefined).toBe(state !== 'ok');
});

test('a node that is not ready is told as such', () => {
  expect(machine(nodeOf('edge-1', undefined, undefined, 'Unknown'), { runtimeClass: handler })).toMatchObject({
    state: 'warning',
    found: expect.stringMatching(/not ready$/),
  });
});

const lease = { holderIdentity: 'pod-1', leaseDurationSeconds: 10, leaseTransitions: 2, renewTime: 'then' };
test.each([
  [null, false, 'fault', /^none has ever led/],
  [{ ...lease, holderIdentity: '' }, false, 'fault', /^none leads/],
  [lease, false, 'fault', /^pod-1 has not renewed the Lease since then$/],
  [lease, true, 'ok', /^pod-1 leads, epoch 3$/],
] as const)('the Lease %j, renewed %s: %s', (seen, renewed, state, found) => {
  expect(controllers(seen, renewed)).toMatchObject([{ state, found: expect.stringMatching(found) }]);
});
