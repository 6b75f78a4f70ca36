import { describe, expect, test } from 'vitest';
import type { PodDeclarations } from '../../lib/contract/pod.ts';
import { createDeclarer } from './declarer.ts';
import { type PodParts, podOf } from './fixtures.ts';

/** A bucket that notes what is done to it. */
function scene(stored: Record<string, PodDeclarations> = {}) {
  const state = { pods: [] as PodParts[], edgeNode: true };
  const calls: string[] = [];
  const declarer = createDeclarer({
    store: {
      list: async () => Object.entries(stored).map(([key, value]) => ({ key, value, revision: 1 })),
      put: async (key, { pods }) => calls.push(`put ${key} ${pods.map(({ name }) => name).join()}`),
      delete: async (key) => void calls.push(`delete ${key}`),
    },
    index: { on: () => state.pods.map(podOf), find: () => undefined },
    isEdgeNode: () => state.edgeNode,
    recorder: { record: async (_, { name }, { note }) => void calls.push(`tell ${name} ${note}`) },
    clock: { now: () => 7, monotonic: () => 7, sleep: async () => undefined },
  });
  const declare = async (...pods: PodParts[]): Promise<string[]> => {
    state.pods = pods;
    await declarer.declare('edge-1');
    return calls.splice(0);
  };
  return { declarer, state, declare };
}

describe('the declarer', () => {
  test('writes what has changed, and only that', async () => {
    const { declarer, declare } = scene();
    expect(await declare({ name: 'a' })).toEqual(['put edge-1 shop.a']);
    expect(await declare({ name: 'a' })).toEqual([]);
    expect(await declare({ name: 'a' }, { name: 'b' })).toEqual(['put edge-1 shop.a,shop.b']);
    expect(declarer.count('edge-1')).toBe(2);
    expect(await declare()).toEqual(['put edge-1 ']);
  });

  test('goes on from what an earlier leader has written', async () => {
    const first = scene();
    await first.declare({ name: 'a' });
    const { declarer, declare, state } = scene({
      'edge-1': { pods: [], updatedAt: 1 },
      'edge-2': { pods: [], updatedAt: 1 },
    });
    expect(await declarer.recall()).toEqual(['edge-1', 'edge-2']);
    expect(await declare()).toEqual([]);
    state.edgeNode = false;
    expect(await declare({ name: 'a' })).toEqual(['delete edge-1']);
  });

  test('takes everything back once with the EdgeNode', async () => {
    const { declarer, state, declare } = scene();
    await declare({ name: 'a' });
    state.edgeNode = false;
    expect(await declare({ name: 'a' })).toEqual(['delete edge-1']);
    expect(await declare({ name: 'a' })).toEqual([]);
    expect(declarer.count('edge-1')).toBe(0);
  });

  test('tells of what is written wrong, once as long as it is there', async () => {
    const { declare } = scene();
    const wrong = { name: 'a', metadata: { annotations: { 'godwit.dev/state': 'all' } } };
    const told = expect.stringMatching(/^tell a Pod a: metadata.annotations\[godwit.dev\/state\]/) as string;
    expect(await declare(wrong)).toEqual(['put edge-1 shop.a', told]);
    expect(await declare(wrong)).toEqual([]);
    expect(await declare({ name: 'a' })).toEqual([]);
    expect(await declare(wrong)).toEqual([told]);
  });

  test('knows whom an owner concerns, also one that has not been seen yet', async () => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'w', uid: 'uid-w', controller: true }];
    const { declarer, declare } = scene();
    expect(await declare({ metadata: { ownerReferences } })).toEqual(['put edge-1 ']);
    expect(declarer.below('uid-w')).toEqual(['edge-1']);
    expect(declarer.below('uid-x')).toEqual([]);
  });
});
