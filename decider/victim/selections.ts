import type { WorkloadFacts, WorkloadState } from '../world/model.ts';
import type { VictimParams } from './params.ts';

export interface Eligible {
  workload: WorkloadState;
  facts: WorkloadFacts;
  /** Of the resource that is short: cores or bytes. */
  frees: number;
  covers: boolean;
  bytes: number;
  migrationMs: number;
}

/** Orders the eligible ones, best first. */
export type VictimSelection = (a: Eligible, b: Eligible) => number;

/**
 * Cover the excess with one move: of those that do, the lowest priority, then the shortest migration, then the least used.
 * Where none does, the one that frees most for each second of migration.
 */
const coverExcess: VictimSelection = (a, b) =>
  Number(b.covers) - Number(a.covers) ||
  a.facts.priority - b.facts.priority ||
  (a.covers ? a.migrationMs - b.migrationMs || a.frees - b.frees : b.frees / b.migrationMs - a.frees / a.migrationMs) ||
  (a.workload.name < b.workload.name ? -1 : 1);

export const victimSelections: Record<VictimParams['selection'], VictimSelection> = { 'cover-excess': coverExcess };
