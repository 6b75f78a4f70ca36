import { describe, expect, test } from 'vitest';
import { edgeNodeSchema, edgeNodeStatusSchema } from '../../k8s/objects/edge-node.ts';
import { type EdgeNodeFacts, statusOf } from './status.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const record: EdgeNodeFacts['record'] = {
  name: 'edge-1',
  site: 'plant',
  tier: 'edge',
  address: '192.0.2.1',
  engines: ['kubernetes'],
  versions: { runc: '1.3.6', criu: '4.2.1' },
  capacity: { cores: 2, memoryBytes: 2 ** 30 },
  workloads: [],
  updatedAt: now - 20_000,
};
const edgeNode = edgeNodeSchema.parse({
  metadata: { name: 'edge-1', uid: 'u', resourceVersion: '1', generation: 3 },
  spec: { tier: 'edge', site: 'plant' },
});
const good: EdgeNodeFacts = {
  ...{ edgeNode, record, now, pods: 4, workloads: 2, unmonitored: [] },
  node: { ready: true },
  newestSample: { storedAt: now - 2000, intervalMs: 1000 },
};
const conditionsOf = (facts: Partial<EdgeNodeFacts>) => statusOf({ ...good, ...facts }).conditions;

describe('the status of an EdgeNode', () => {
  test('says that all is well, with counts and generation', () => {
    const status = statusOf(good);
    expect(edgeNodeStatusSchema.parse(status)).toEqual(status);
    expect(status).toMatchObject({
      conditions: [
        { type: 'Ready', status: 'True', observedGeneration: 3, lastTransitionTime: '2026-05-01T12:00:00Z' },
        { type: 'Monitored', status: 'True', reason: 'Sampled' },
      ],
      observedGeneration: 3,
      pods: 4,
      workloads: 2,
      versions: { runc: '1.3.6', criu: '4.2.1' },
    });
  });

  const faults: [string, Partial<EdgeNodeFacts>, object][] = [
    ['no node', { node: undefined }, { type: 'Ready', status: 'False', reason: 'NodeMissing' }],
    [
      'a node that is not ready',
      { node: { ready: false } },
      { type: 'Ready', status: 'False', reason: 'NodeNotReady' },
    ],
    ['no agent', { record: undefined }, { type: 'Ready', status: 'False', reason: 'NoAgent' }],
    [
      'an agent of runc',
      { record: { ...record, engines: ['runc'] } },
      { type: 'Ready', status: 'False', reason: 'AgentOfBareNode' },
    ],
    [
      'an agent of another site',
      { record: { ...record, site: 'shop' } },
      { status: 'False', message: 'the agent of edge-1 says tier edge and site shop, the EdgeNode edge and plant' },
    ],
    [
      'a silent agent',
      { record: { ...record, updatedAt: now - 90_001 } },
      { status: 'Unknown', message: 'the agent of edge-1 was last heard of at 2026-05-01T11:58:29Z' },
    ],
    [
      'a pod without a sidecar',
      { unmonitored: ['plant/b', 'plant/a'] },
      { status: 'False', reason: 'PodsWithoutSidecar', message: expect.stringContaining('samples plant/a, plant/b,') },
    ],
    [
      'many pods without a sidecar',
      { unmonitored: [...'12345678'].map((n) => `plant/p${n}`) },
      { status: 'False', message: expect.stringContaining('plant/p5 and 3 more') },
    ],
    ['no sample', { newestSample: undefined }, { type: 'Monitored', status: 'False', reason: 'NoSamples' }],
    [
      'a silent monitor',
      { newestSample: { storedAt: now - 31_000, intervalMs: 10_000 } },
      { type: 'Monitored', status: 'Unknown', reason: 'SamplesStopped' },
    ],
  ];
  test.each(faults)('tells of %s', (_, facts, condition) => {
    expect(conditionsOf(facts)).toContainEqual(expect.objectContaining(condition));
    expect(conditionsOf(facts)?.filter(({ status }) => status === 'True')).toHaveLength(1);
  });

  test.each([
    [30_000, 10_000],
    [10_000, 100],
  ])('forgives a monitor %i ms, whose interval is %i ms', (silentMs, intervalMs) => {
    expect(conditionsOf({ newestSample: { storedAt: now - silentMs, intervalMs } })?.[1]?.status).toBe('True');
    expect(conditionsOf({ newestSample: { storedAt: now - silentMs - 1, intervalMs } })?.[1]?.status).toBe('Unknown');
  });

  test('stays the same while nothing changes', () => {
    const status = statusOf(good);
    const newestSample = { storedAt: now + 1000, intervalMs: 10_000.7 };
    expect(statusOf({ ...good, newestSample, edgeNode: { ...edgeNode, status }, now: now + 1000 })).toEqual(status);
  });
});
