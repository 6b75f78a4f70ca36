import { expect, test } from 'vitest';
import { edgeNodeSchema } from '../../k8s/objects/edge-node.ts';
import { injectionNodes } from './injection-nodes.ts';

test('nodes whose pods get a sidecar are those whose EdgeNode says so', () => {
  const edgeNode = (name: string, monitoring?: string) =>
    edgeNodeSchema.parse({
      metadata: { name, uid: `uid-${name}`, resourceVersion: '1' },
      spec: { tier: 'edge', site: 'plant', ...(monitoring && { monitoring }) },
    });
  expect(injectionNodes([])).toBe('');
  expect(
    injectionNodes([edgeNode('c', 'sidecar'), edgeNode('b'), edgeNode('a', 'sidecar'), edgeNode('d', 'node')]),
  ).toBe('a c');
});
