import type { z } from 'zod';
import type { statusResultSchema } from '../../lib/contract/agent.ts';
import type { SagaState } from '../../lib/contract/saga.ts';

/** What one node's agent says of a migration, or why it says nothing. */
export type AgentView = z.infer<typeof statusResultSchema> | { fault: string };

export interface Verdict {
  /** Nothing is left to be done. */
  settled: boolean;
  /** One or two sentences. */
  meaning: string;
  next?: string;
}

/**
 * What both agents' words mean together. The source's record decides: `committed` gives the lead to the target, `aborted` to the
 * source; without it both copies wait. Pure; what a person can do about it is in plan.ts.
 */
export function explain(saga: SagaState, source: AgentView, target: AgentView): Verdict {
  const { command } = saga;
  if (saga.result === 'lost' || (saga.direction !== 'ended' && 'lost' in target && target.lost))
    return {
      settled: false,
      meaning: `The copy on ${command.target} died before all of its memory had arrived; what it held is lost. ${command.source} keeps the original, frozen.`,
      next: `keep the source's, as it was at the freeze, or start anew from the target's files: godwit resolve ${command.id} --keep source|target`,
    };
  if ('fault' in source) return withoutSource(saga, target);
  if (source.attested)
    return { settled: true, meaning: `${command.workload} runs on ${command.source} again, as a person has decided.` };
  if (source.record === 'committed') return committed(saga, target);
  if (source.record === 'aborted' || source.copy === 'running')
    return {
      settled: !('fault' in target) && target.copy === 'none',
      meaning: `The migration is given up: ${command.workload} runs on ${command.source}, a copy on ${command.target} never runs.`,
    };
  return {
    settled: false,
    meaning: `The record on ${command.source} is open: the migration is under way, or its source gives it up at its deadline.`,
    next: `godwit describe migration ${command.id}`,
  };
}

function committed({ command }: SagaState, target: AgentView): Verdict {
  if ('fault' in target)
    return {
      settled: false,
      meaning: `${command.source} has committed and waits; ${command.target} does not answer, so nobody knows whether its copy runs. It is settled as soon as ${command.target} answers.`,
      next: `bring ${command.target} or its link back`,
    };
  if (target.copy === 'running')
    return {
      settled: true,
      meaning: `${command.workload} runs on ${command.target}; the copy on ${command.source} is released.`,
    };
  return {
    settled: false,
    meaning: `${command.source} has committed: the copy on ${command.target} (${target.copy}) may run, and a driver lets it as soon as it reaches both.`,
    next: `godwit describe migration ${command.id}`,
  };
}

function withoutSource({ command }: SagaState, target: AgentView): Verdict {
  const held = !('fault' in target) && target.copy === 'held';
  return {
    settled: !('fault' in target) && target.copy === 'running',
    meaning: `${command.source} does not answer, and only its record says which copy has the lead.${
      held ? ` The copy on ${command.target} is held and must not run without it.` : ''
    }`,
    next: `bring ${command.source} or its link back; it is settled by itself then`,
  };
}
