import { expect, test } from 'vitest';
import { edgeNodeSchema } from '../../k8s/objects/edge-node.ts';
import { type PodParts, podOf } from '../../sidecar/pods/fixtures.ts';
import { judgeMove, type MoveFacts } from './preflight.ts';

const edgeNodeOf = (name: string) =>
  edgeNodeSchema.parse({
    metadata: { name, uid: name, resourceVersion: '1' },
    spec: { tier: 'edge', site: 'plant' },
  });
const movable: MoveFacts = {
  pod: podOf(),
  owners: [],
  target: { name: 'cloud-1', ready: true },
  strategy: 'auto',
  edgeNodes: [edgeNodeOf('edge-1'), edgeNodeOf('cloud-1')],
};
const withPod = (parts: PodParts): MoveFacts => ({ ...movable, pod: podOf(parts) });
const faultsOf = (facts: MoveFacts) => judgeMove(facts).filter(({ state }) => state === 'fault');

test('a pod against which nothing speaks', () => {
  expect(judgeMove(movable).map(({ check, state }) => `${check}: ${state}`)).toEqual([
    'pod shop/web-1: ok',
    'source edge-1: ok',
    'target cloud-1: ok',
  ]);
});

test.each<[string, MoveFacts, RegExp]>([
  ['of a DaemonSet', withPod({ namespace: 'kube-system' }), /no workload/],
  ['that is pending', withPod({ status: { phase: 'Pending' } }), /it is Pending/],
  [
    'of another runtime',
    withPod({ spec: { runtimeClassName: 'runc' } }),
    /strategy warm: its runtimeClassName is runc/,
  ],
  ['without an EdgeNode', { ...movable, edgeNodes: [edgeNodeOf('cloud-1')] }, /no EdgeNode, so that its pods/],
  ['to a node without', { ...movable, edgeNodes: [edgeNodeOf('edge-1')] }, /no EdgeNode, so that nothing there/],
  ['to where it runs', { ...movable, target: { name: 'edge-1', ready: true } }, /runs there already/],
  ['to a node that is not ready', { ...movable, target: { name: 'cloud-1', ready: false } }, /not ready/],
])('a pod %s', (_, facts, found) => {
  expect(faultsOf(facts)).toMatchObject([{ found: expect.stringMatching(found), next: expect.any(String) }]);
});

test('a pod without RuntimeClass, which only the controllers can judge', () => {
  const [found] = judgeMove(withPod({ spec: { runtimeClassName: undefined } }));
  expect(found).toMatchObject({ state: 'warning', found: expect.stringMatching(/moves as an image alone/) });
});

test('the strategy that is asked for goes before the annotations, and these before the default', () => {
  const terminal = { container: { tty: true } };
  expect(faultsOf({ ...withPod(terminal), strategy: 'restart' })).toEqual([]);
  const annotated = withPod({ ...terminal, metadata: { annotations: { 'godwit.dev/restore-policy': 'restart' } } });
  expect(faultsOf(annotated)).toEqual([]);
  expect(faultsOf({ ...annotated, strategy: 'warm' })).toHaveLength(1);
  const owners = [{ kind: 'ReplicaSet', name: 'web', annotations: { 'godwit.dev/strategy': 'restart' } }];
  expect(faultsOf({ ...withPod(terminal), owners })).toEqual([]);
});
