import type { Tier } from '../../lib/contract/names.ts';
import { type NodeState, newHold, type ResourceState, type World } from './model.ts';

/** The node of that name, new if need be, in its place and tier. */
export function placeNode(world: World, name: string, site: string, tier: Tier): NodeState {
  const known = world.nodes.get(name);
  if (known?.tier === tier) {
    known.site = site;
    return known;
  }
  const node = known ?? newNode(name, site, tier);
  world.tiers[node.tier].delete(node);
  node.site = site;
  node.tier = tier;
  world.tiers[tier].add(node);
  world.nodes.set(name, node);
  return node;
}

export function removeNode(world: World, node: NodeState): void {
  world.nodes.delete(node.name);
  world.tiers[node.tier].delete(node);
}

export function newNode(name: string, site: string, tier: Tier): NodeState {
  const resource = (): ResourceState => ({
    mean: 0,
    latest: 0,
    capacity: 0,
    history: [],
    pressure: undefined,
    hold: newHold(),
  });
  return {
    name,
    site,
    tier,
    boot: '',
    previousBoot: undefined,
    sequence: -1,
    at: 0,
    intervalMs: 0,
    cpu: resource(),
    memory: resource(),
    workloads: new Map(),
    record: undefined,
    arrivals: new Map(),
    countedFrom: 0,
  };
}
