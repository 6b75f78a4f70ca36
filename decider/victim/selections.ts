import type { PolicySpec } from '../../lib/contract/policy-spec.ts';
import { multipleCorrelation } from './correlation.ts';
import { drawOf } from './draw.ts';

export type VictimSelectionName = PolicySpec['victim']['selection'];

/** What a selection knows of one that may leave. */
export interface Movable {
  name: string;
  priority: number;
  /** Of the resource that is short: what its leaving frees, in any unit. */
  frees: number;
  /** Whether that suffices. */
  covers: boolean;
  migrationMs: number;
  /** Past usage, oldest first; MC alone looks at it. */
  history: readonly number[];
}

/** Orders those that may leave, best first; equal ones are left as they stand. `seed` tells one drawing of lots from another. */
type VictimSelection = (movables: readonly Movable[], seed: string) => (a: Movable, b: Movable) => number;

const byPriority = (a: Movable, b: Movable): number => a.priority - b.priority;

/**
 * Cover the excess with one move: of those that do, the lowest priority, then the shortest migration, then the least used.
 * Where none does, the one that frees most for each second of migration.
 */
const coverExcess: VictimSelection = () => (a, b) =>
  Number(b.covers) - Number(a.covers) ||
  byPriority(a, b) ||
  (a.covers ? a.migrationMs - b.migrationMs || a.frees - b.frees : b.frees / b.migrationMs - a.frees / a.migrationMs);

/** MMT: the shortest migration (this one and the next three: Beloglazov & Buyya, CCPE 24(13), 2012, 7). */
const minimumMigrationTime: VictimSelection = () => (a, b) =>
  byPriority(a, b) || a.migrationMs - b.migrationMs || b.frees - a.frees;

/** MC: the load that the others' loads explain best. MMT where the histories are too short to tell. */
const maximumCorrelation: VictimSelection = (movables, seed) => {
  const explained = multipleCorrelation(movables.map(({ history }) => history));
  if (!explained) return minimumMigrationTime(movables, seed);
  const byMovable = new Map(movables.map((movable, index) => [movable, explained[index] ?? 0]));
  return (a, b) => byPriority(a, b) || (byMovable.get(b) ?? 0) - (byMovable.get(a) ?? 0);
};

/** MU: the least used. */
const minimumUtilization: VictimSelection = () => (a, b) => byPriority(a, b) || a.frees - b.frees;

/** RS: drawn by lot; the same seed and names give the same lot. */
const randomSelection: VictimSelection = (_, seed) => (a, b) =>
  byPriority(a, b) || drawOf(`${seed}/${a.name}`) - drawOf(`${seed}/${b.name}`);

export const victimSelections: Record<VictimSelectionName, VictimSelection> = {
  'cover-excess': coverExcess,
  MMT: minimumMigrationTime,
  MC: maximumCorrelation,
  MU: minimumUtilization,
  RS: randomSelection,
};

/** Samples of each workload that a selection looks back on. */
export const historyLengths: Record<VictimSelectionName, number> = { 'cover-excess': 0, MMT: 0, MC: 30, MU: 0, RS: 0 };

/** Those that may leave, best first. */
export function rankVictims<T extends Movable>(
  selection: VictimSelectionName,
  movables: readonly T[],
  seed: string,
): T[] {
  const order = victimSelections[selection](movables, seed);
  return movables.toSorted((a, b) => order(a, b) || (a.name < b.name ? -1 : 1));
}
