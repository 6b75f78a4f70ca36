import type { Decision } from '../lib/contract/decision.ts';
import type { MigrationEvent } from '../lib/contract/migration.ts';
import type { NodeRecord } from '../lib/contract/node.ts';
import type { Policy } from '../lib/contract/policy.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import { createPast, type Past } from './past.ts';
import { decide } from './pipeline/decide.ts';
import type { Signature } from './pipeline/verdict.ts';
import { applyPolicy, applyTelemetry } from './world/apply.ts';
import { applyNodeRecord } from './world/apply-node.ts';
import { createWorld, type World } from './world/model.ts';

/** The decider without bus and clock: the live service and the replay drive the same one. */
export interface Core {
  readonly world: World;
  readonly past: Past;
  policy(policy: Policy): void;
  /** What a node's migrator says; undefined: the node has left. */
  node(name: string, record: NodeRecord | undefined): void;
  event(event: MigrationEvent): void;
  /** Folds a sample and judges its node; without a signature (no leader) nothing is decided. */
  sample(sample: Telemetry, now: number, signature: Signature | undefined): { folded: boolean; decisions: Decision[] };
}

export function createCore(policy: Policy): Core {
  const world = createWorld(policy);
  const past = createPast(world);
  return {
    world,
    past,
    policy: (next) => applyPolicy(world, next),
    node: (name, record) => applyNodeRecord(world, name, record),
    event: past.event,
    sample: (sample, now, signature) => {
      const folded = applyTelemetry(world, sample);
      return { folded, decisions: folded && signature ? decide(world, sample.node, now, signature) : [] };
    },
  };
}
