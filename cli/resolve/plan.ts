import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError } from '../../lib/errors.ts';
import { isResolvable } from '../../migrator/saga/resolve.ts';
import type { Role } from '../../migrator/saga/types.ts';
import type { AgentView } from './explain.ts';

/** What keeping one side takes, a sentence a step; or why it can not be kept now. */
export type Plan = { steps: string[] } | { refusal: string; next?: string };

export interface Wish {
  keep: Role;
  /** Attested by a person to be gone for good. */
  dead?: Role | undefined;
}

interface Case {
  saga: SagaState;
  source: AgentView;
  target: AgentView;
}

const isSilent = (view: AgentView): view is { fault: string } => 'fault' in view;
const isLost = ({ saga, target }: Case): boolean =>
  saga.result === 'lost' || saga.resolution?.anew === true || (!isSilent(target) && target.lost === true);

/** Judges a wish by what both agents say. The agents and the record judge again when it is carried out. Pure. */
export function planFor(found: Case, wish: Wish): Plan {
  const { saga } = found;
  const { id, workload } = saga.command;
  if (!isResolvable(saga)) {
    if (saga.direction === 'ended') return { refusal: `migration ${id} has ended: ${saga.result ?? 'no result'}` };
    const next = `godwit cancel ${id}, or wait for its deadline`;
    return { refusal: `migration ${id} is under way (${saga.stage}), and nothing is in doubt`, next };
  }
  if (wish.dead === wish.keep) return { refusal: `a node that is dead has no copy of ${workload} to keep` };
  if (wish.dead && !isSilent(found[wish.dead]))
    return { refusal: `${saga.command[wish.dead]} answers: it is not dead` };
  return wish.keep === 'source' ? keepSource(found, wish) : keepTarget(found, wish);
}

function keepSource(found: Case, { dead }: Wish): Plan {
  const { saga, source, target } = found;
  const { workload, source: home, target: away, id } = saga.command;
  if (isSilent(source)) return { refusal: `${home} does not answer`, next: `bring ${home} or its link back` };
  if (source.copy === 'none') return { refusal: `${home} holds no copy of ${workload} any more` };
  if (source.copy === 'running') return { refusal: `${workload} runs on ${home} already` };
  const goOn = `${home}: let ${workload} go on as it was at the freeze, and take its address back`;
  if (dead)
    return {
      steps: [`${away}: taken for dead on your word; what it still holds it destroys when it comes back`, goOn],
    };
  if (isSilent(target))
    return {
      refusal: `${away} does not answer, and its copy may run`,
      next: `bring ${away} or its link back; if it is gone for good: godwit resolve ${id} --keep source --node-is-dead ${away}`,
    };
  if (target.copy === 'running' && !isLost(found))
    return {
      refusal: `${workload} runs on ${away}`,
      next: `to bring it back: godwit migrate ${workload} --to ${home}`,
    };
  return { steps: [`${away}: destroy the copy there, and attest it`, goOn, 'both: clean up'] };
}

function keepTarget(found: Case, { dead }: Wish): Plan {
  const { saga, source, target } = found;
  const { source: home, target: away } = saga.command;
  if (isSilent(target)) return { refusal: `${away} does not answer`, next: `bring ${away} or its link back` };
  const objection = dead ? undefined : objectionOf(found);
  if (objection) return objection;
  const first = isLost(found) ? startAnew(found, target.copy) : letRun(found, target.copy);
  if (typeof first !== 'string') return first;
  const end = isSilent(source)
    ? `${home}: taken for dead on your word; erase its state before it comes back`
    : `${home}: end the copy there`;
  return { steps: [first, end, 'both: clean up'] };
}

/** What the source's record has against the target, or that it can not be read. */
function objectionOf({ saga, source }: Case): Plan | undefined {
  const { source: home, target: away, id } = saga.command;
  if (isSilent(source))
    return {
      refusal: `${home} does not answer, and only its record says whether the copy on ${away} may run`,
      next: `bring ${home} or its link back; if it is gone for good: godwit resolve ${id} --keep target --node-is-dead ${home}`,
    };
  if (source.attested) return { refusal: `${home} was let run again, as ${away} was taken for dead` };
  if (source.record === 'committed') return undefined;
  return { refusal: `the record on ${home} is ${source.record ?? 'not open'}: only ${home} may run` };
}

function startAnew({ saga }: Case, copy: string): string | Plan {
  const { workload, target, id } = saga.command;
  if (copy === 'none' || saga.prepared?.spec.image === 'unmanaged')
    return {
      refusal: `${target} can not start ${workload} from its files`,
      next: `godwit resolve ${id} --keep source`,
    };
  return `${target}: end what is left of the copy, and start ${workload} anew from its files; its memory is given up`;
}

function letRun({ saga: { command } }: Case, copy: string): string | Plan {
  const { workload, target } = command;
  if (copy === 'none' || copy === 'stopped')
    return { refusal: `${target} holds no copy of ${workload} that could run` };
  return copy === 'running' ? `${target}: goes on as it does` : `${target}: let the copy run, and take its address`;
}

/** @throws E_RECORD with the reason */
export function stepsOrRefuse(plan: Plan): string[] {
  if ('steps' in plan) return plan.steps;
  throw new GodwitError('E_RECORD', plan.refusal, plan.next ? { next: plan.next } : {});
}
