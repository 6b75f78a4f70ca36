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
  const pod = podOf(world, verdict);
  return {
    id: signature.newId('d'),
    at: now,
    epoch: signature.epoch,
    ...verdict,
    ...(pod && { pod }),
    ...(commands && { migration: signature.newId('m') }),
    dryRun,
    policy: { name, version },
  };
}

const podOf = (world: World, { source = '', workload = '' }: Verdict): Decision['pod'] =>
  world.nodes.get(source)?.record?.workloads.get(workload)?.pod;

/** Says that nothing came of a decision: its command was refused or, by default, not stored before it had expired. */
export function lapseOf(decision: Decision, { epoch }: { epoch: number }, now: number, refusal?: string): Decision {
  const { migration, target: _, strategy: __, ...behind } = decision;
  const reason = refusal ?? `the command of ${decision.id} was not stored before it expired`;
  return {
    ...behind,
    id: `${decision.id}-lapsed`,
    at: now,
    epoch,
    verdict: 'stay',
    ...(migration !== undefined && { lapsed: migration }),
    sentence: `${decision.workload} stays on ${decision.source} after all: ${reason}`,
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
