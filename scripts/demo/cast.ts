import type { Keeps } from '../../lib/contract/names.ts';

/** One workload of the demo: what it needs to keep, and what its clients ask of it. */
export interface Part {
  name: string;
  app: string;
  keeps: Keeps;
  env: Record<string, string>;
  /** Last byte of its address in the lab's subnet. */
  host: number;
  /** What a client asks all the time; its answer tells who answered. */
  watch: string;
}

export const cast: readonly Part[] = [
  { name: 'reducer', app: 'image-reduction', keeps: 'memory', env: {}, host: 101, watch: '/self' },
  { name: 'cart', app: 'shopping-cart', keeps: 'memory', env: {}, host: 102, watch: '/self' },
  { name: 'api', app: 'stateless-api', keeps: 'nothing', env: {}, host: 103, watch: '/self' },
];

export const nodes = [
  { name: 'hub', kind: 'hub', site: 'cloud', cores: 2, memoryBytes: 2 * 2 ** 30 },
  { name: 'edge-1', kind: 'edge', site: 'plant', cores: 1, memoryBytes: 2 * 2 ** 30 },
  { name: 'cloud-1', kind: 'cloud', site: 'cloud', cores: 2, memoryBytes: 4 * 2 ** 30 },
] as const;
