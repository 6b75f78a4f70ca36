import type { Decision, StageReport } from '../../lib/contract/decision.ts';
import type { Command, Trigger } from '../../lib/contract/migration.ts';
import type { RequestedStrategy } from '../../lib/contract/names.ts';
import type { World } from '../world/model.ts';

/** What the pipeline came to, before it is signed: no id, no epoch, no time. */
export interface Verdict {
  verdict: Decision['verdict'];
  trigger: Trigger;
  site: string;
  node: string;
  workload?: string;
  source?: string;
  target?: string;
  strategy?: RequestedStrategy;
  sentence: string;
  reports: StageReport[];
}

/** The leader's hand: its term, and ids that are unique for ever. */
export interface Signature {
  epoch: number;
  newId(prefix: 'd' | 'm'): string;
}

export function sign(world: World, verdict: Verdict, now: number, signature: Signature, dryRun: boolean): Decision {
  const { name, version } = world.policy;
  const commands = verdict.verdict === 'migrate' && !dryRun;
  return {
    id: signature.newId('d'),
    at: now,
    epoch: signature.epoch,
    ...verdict,
    ...(commands && { migration: signature.newId('m') }),
    dryRun,
    policy: { name, version },
  };
}

/** Says that nothing came of a decision: its command was not stored before it had expired. */
export function lapseOf(decision: Decision, { epoch }: { epoch: number }, now: number): Decision {
  const { migration, target: _, strategy: __, ...behind } = decision;
  return {
    ...behind,
    id: `${decision.id}-lapsed`,
    at: now,
    epoch,
    verdict: 'stay',
    ...(migration !== undefined && { lapsed: migration }),
    sentence: `${decision.workload} stays on ${decision.source} after all: the command of ${decision.id} was not stored before it expired`,
    reports: [],
  };
}

/** The command that a decision with a migration stands for. */
export function commandOf(decision: Decision, signature: { epoch: number }, expirationMs: number): Command | undefined {
  const { migration, workload, source, target, strategy } = decision;
  if (!migration || !workload || !source || !target || !strategy) return undefined;
  return {
    id: migration,
    workload,
    source,
    target,
    strategy,
    trigger: decision.trigger,
    decision: decision.id,
    epoch: signature.epoch,
    issuedAt: decision.at,
    expiresAt: decision.at + expirationMs,
  };
}
