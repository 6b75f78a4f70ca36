import type { NodeSpec } from '../../lab/spec.ts';

const gib = 2 ** 30;

export const hubNode: NodeSpec = { name: 'hub', kind: 'hub', site: 'cloud', cores: 2, memoryBytes: 2 * gib };
export const edgeNode: NodeSpec = { name: 'edge-1', kind: 'edge', site: 'plant', cores: 2, memoryBytes: 2 * gib };
export const cloudNode = (name: string): NodeSpec => ({
  name,
  kind: 'cloud',
  site: 'cloud',
  cores: 2,
  memoryBytes: 2 * gib,
});

export const edgeAndCloud = [hubNode, edgeNode, cloudNode('cloud-1')];

/** Nothing moves unless somebody asks. */
export const pausedPolicy = `
apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: test }
spec: { paused: true }
`;
