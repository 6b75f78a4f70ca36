import { expect, test } from 'vitest';
import { podContainerOf } from './cri.ts';

const annotations = {
  'io.kubernetes.cri.container-type': 'container',
  'io.kubernetes.cri.container-name': 'app',
  'io.kubernetes.cri.sandbox-namespace': 'plant',
  'io.kubernetes.cri.sandbox-name': 'reducer-5d9-x2',
  'io.kubernetes.cri.sandbox-uid': '0b9e',
};

test("a pod's container is a workload by namespace and pod", () => {
  expect(podContainerOf(annotations)).toEqual({
    namespace: 'plant',
    pod: 'reducer-5d9-x2',
    uid: '0b9e',
    container: 'app',
    workload: 'plant.reducer-5d9-x2',
  });
});

test('what moved keeps its name', () => {
  const marks = { 'godwit.dev/migration': 'm1', 'godwit.dev/workload': 'plant.reducer-5d9-a1' };
  expect(podContainerOf({ ...annotations, ...marks })).toMatchObject({
    workload: 'plant.reducer-5d9-a1',
    migration: 'm1',
  });
});

test.each([
  ['a sandbox', { ...annotations, 'io.kubernetes.cri.container-type': 'sandbox' }],
  ["Godwit's own sidecar", { ...annotations, 'io.kubernetes.cri.container-name': 'godwit-monitor' }],
  ['a bundle of somebody else', {}],
])('%s is none', (_, given) => expect(podContainerOf(given)).toBeUndefined());
