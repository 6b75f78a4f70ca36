import { bytes, cores, percent, round } from '../pipeline/format.ts';
import { type Candidate, maxCandidates } from '../pipeline/stage.ts';
import type { Eligible } from './victim.ts';

/** What has to leave: cores or bytes, by what is short. */
export interface Excess {
  resource: 'cpu' | 'memory';
  amount: number;
}

export function chosenSummary(victim: Eligible, excess: Excess): string {
  const text = (amount: number): string => (excess.resource === 'cpu' ? cores(amount) : bytes(amount));
  const frees = `${victim.workload.name} frees ${text(victim.frees)}`;
  return victim.covers
    ? `${frees} and is the cheapest to move that covers the excess of ${text(excess.amount)}`
    : `${frees}, the most for its migration time, though none covers the excess of ${text(excess.amount)}`;
}

export function noneSummary(node: string, refused: readonly Candidate[]): string {
  const first = refused[0];
  if (!first) return `no workload of ${node} would free anything`;
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
  return `no workload of ${node} may be taken: ${first.name}: ${first.reason}${more}`;
}

/** The chosen one, the runners-up, then those that may not go. */
export function candidatesOf(ranked: readonly Eligible[], refused: readonly Candidate[], excess: Excess): Candidate[] {
  return [...ranked.map((victim, rank) => describe(victim, rank, excess)), ...refused].slice(0, maxCandidates);
}

function describe(victim: Eligible, rank: number, excess: Excess): Candidate {
  const behind = victim.covers ? 'covers the excess, dearer to move' : 'frees less than the excess';
  return {
    name: victim.workload.name,
    chosen: rank === 0,
    reason: rank === 0 ? 'chosen' : behind,
    terms: {
      frees: round(victim.frees),
      freesShare: excess.amount > 0 ? percent(victim.frees / excess.amount) : null,
      priority: victim.facts.priority,
      migrationMs: round(victim.migrationMs, 0),
    },
  };
}
