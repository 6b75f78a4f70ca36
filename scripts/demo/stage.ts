import type { Fleet } from '../../lab/fleet.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { Part } from './cast.ts';

/** Where the demo plays: bare nodes, or a cluster. */
export interface Stage {
  fleet: Fleet;
  /** As the policy names it. */
  monitored: string;
  /** Starts the part on the edge node. Its URL answers, from now on wherever it runs. */
  start(part: Part): Promise<string>;
  /** The part's workload, by which decisions and events call it. */
  workloadOf(part: Part): string;
  /** What only this stage knows of a migration that has ended. */
  detailsOf(event: MigrationEvent): Promise<Details>;
}

/** In a cluster: the way the copy took, and whose pod it is. */
export type Details = { path?: string; owner?: string };

export interface StageOptions {
  lab: string;
  /** Folder of the example workloads. */
  bundles: string;
  policy: string;
  tell(line: string): void;
}
