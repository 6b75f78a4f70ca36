import type { Decision } from '../../lib/contract/decision.ts';
import { judgeReturns } from '../return-home/return-home.ts';
import { signalParams } from '../signals/params.ts';
import { isFresh } from '../signals/signals.ts';
import { applyDecision } from '../world/apply.ts';
import type { World } from '../world/model.ts';
import { isNews, stayOf } from '../world/stays.ts';
import { judgeOverload } from './overload-verdict.ts';
import { type Signature, sign, type Verdict } from './verdict.ts';

/**
 * Judges one node on its newest sample: whether it sheds a workload, and whether others may come home to it. What is decided is
 * in the world when this returns, so that the next call counts it; publishing is the caller's. A node that is not fresh gets none.
 */
export function decide(world: World, nodeName: string, now: number, signature: Signature): Decision[] {
  const node = world.nodes.get(nodeName);
  if (!node || !isFresh(node, now, signalParams(world.policy.spec))) return [];
  const decisions: Decision[] = [];
  const record = (verdict: Verdict): void => {
    const decision = settle(world, verdict, now, signature);
    if (decision) decisions.push(decision);
  };
  const overload = judgeOverload(world, node, now);
  if (overload) record(overload);
  for (const verdict of judgeReturns(world, node, now)) record(verdict);
  return decisions;
}

/** Signs a verdict and puts it into the world; undefined for a "no" that has been said already. */
function settle(world: World, verdict: Verdict, now: number, signature: Signature): Decision | undefined {
  const { dryRun } = world.policy.spec;
  const starts = verdict.verdict === 'migrate' && !dryRun;
  const { subject, reason } = stayOf(verdict);
  if (!starts && !isNews(world.stays.get(subject), reason, now)) return undefined;
  const decision = sign(world, verdict, now, signature, dryRun);
  applyDecision(world, decision);
  return decision;
}
