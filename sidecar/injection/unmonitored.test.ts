import { expect, test } from 'vitest';
import { monitoredOf, type PlacedPod, placedPodSchema } from './unmonitored.ts';

const node = (monitoring: 'sidecar' | 'node') => ({ metadata: { name: 'edge-1' }, spec: { monitoring } });
const sidecar = { initContainers: [{ name: 'godwit-monitor' }] };
const pod = (name: string, spec: object = {}, status: object = { phase: 'Running' }): PlacedPod =>
  placedPodSchema.parse({
    metadata: { name, namespace: 'plant', uid: name, resourceVersion: '1' },
    spec: { nodeName: 'edge-1', ...spec },
    status,
  });

test('on a node with a monitor of its own, every pod is sampled', () => {
  expect(monitoredOf(node('node'), [pod('a')])).toMatchObject({ status: 'True', reason: 'NodeMonitor' });
});

test('with sidecars, the pods without one are named', () => {
  expect(monitoredOf(node('sidecar'), [pod('a', sidecar)])).toMatchObject({ status: 'True', reason: 'Sidecars' });
  const found = monitoredOf(node('sidecar'), [pod('a', sidecar), pod('b'), pod('c', {}, { phase: 'Pending' })]);
  expect(found).toMatchObject({ status: 'False', reason: 'PodsWithoutSidecar' });
  expect(found.message).toContain('nobody samples plant/b, plant/c:');
});

test('what has ended, is going, or runs elsewhere, is not asked for', () => {
  const going = pod('going');
  going.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  const pods = [going, pod('done', {}, { phase: 'Succeeded' }), pod('else', { nodeName: 'cloud-1' })];
  expect(monitoredOf(node('sidecar'), pods).status).toBe('True');
});

test('many are counted', () => {
  const pods = Array.from({ length: 8 }, (_, n) => pod(`p${n}`));
  expect(monitoredOf(node('sidecar'), pods).message).toContain('plant/p4 and 3 more');
});
