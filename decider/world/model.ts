import type { MigrationResult, Trigger } from '../../lib/contract/migration.ts';
import type { Keeps, RequestedStrategy, Tier } from '../../lib/contract/names.ts';
import type { PodName } from '../../lib/contract/node.ts';
import type { Policy } from '../../lib/contract/policy.ts';

export interface Usage {
  cores: number;
  memoryBytes: number;
}

/** Counts samples in a row beyond and within a threshold. */
export interface Hold {
  hits: number;
  normals: number;
  hot: boolean;
  /** Time of the first sample of the run of hits. */
  since: number;
}

/** What samples say of one container. Kept small: there are 150,000 of them. */
export interface WorkloadState {
  readonly name: string;
  /** Moving averages. */
  cores: number;
  throttledRatio: number;
  /** Newest value: memory does not spring back. */
  memoryBytes: number;
  /** Cores sample by sample, oldest first; only as long as the policy asks for. */
  history: number[];
  /** 0: no limit. */
  limitCores: number;
  /** Against its own limit; created by the first hit. */
  hold: Hold | undefined;
  /** Tells those of the newest sample from those that have gone. */
  sequence: number;
}

/** What the node's migrator says of a workload. */
export interface WorkloadFacts {
  image: string;
  keeps: Keeps;
  strategy: RequestedStrategy;
  migrate: boolean;
  obstacle: string | undefined;
  home: string;
  priority: number;
  requestedCores: number | undefined;
  requestedMemoryBytes: number | undefined;
  startedAt: number;
  pod: PodName | undefined;
}

interface NodeRecordState {
  engines: readonly string[];
  uplinkBytesPerSecond: number | undefined;
  updatedAt: number;
  workloads: Map<string, WorkloadFacts>;
}

export interface ResourceState {
  /** Moving average of the usage. */
  mean: number;
  latest: number;
  capacity: number;
  /** Usage sample by sample, oldest first, of those that are here now; only as long as the policy asks for. */
  history: number[];
  /** PSI `some` of the newest sample, where there is one. */
  pressure: number | undefined;
  hold: Hold;
}

interface Arrival extends Usage {
  /** The node's newest sample when it landed. */
  since: number;
}

export interface NodeState {
  readonly name: string;
  site: string;
  tier: Tier;
  boot: string;
  previousBoot: string | undefined;
  sequence: number;
  /** Time of the newest sample by the node's clock; 0 before the first. */
  at: number;
  intervalMs: number;
  cpu: ResourceState;
  memory: ResourceState;
  workloads: Map<string, WorkloadState>;
  record: NodeRecordState | undefined;
  /** Workloads that have landed here lately: the means do not show all of them yet. */
  arrivals: Map<string, Arrival>;
  /** When a move last changed its load: samples of before, which may come after, are not counted. */
  countedFrom: number;
}

/** A migration that was decided and has not ended. */
export interface Flight extends Usage {
  migration: string;
  decision: string;
  workload: string;
  /** Of the source. */
  site: string;
  source: string;
  target: string;
  /** What the workload asks for, as far as its source's migrator had said. */
  requested: Usage;
  trigger: Trigger;
  issuedAt: number;
  /** Of the workload, where its node's migrator has named it. */
  image: string | undefined;
  /** An event has shown that a migrator took the command up. */
  started: boolean;
}

/** A migration that has ended, however it ended. */
export interface Move {
  migration: string;
  endedAt: number;
  durationMs: number;
  result: MigrationResult;
}

/** From one sample of home to another, all of which stood within the return thresholds; times by home's clock. */
export interface CalmStretch {
  since: number;
  until: number;
  /** Highest shares of home's capacity in it, with the workload. */
  peakCpuRatio: number;
  peakMemoryRatio: number;
}

/** A workload that runs elsewhere than at its home, as it could run there. */
export interface AwayState {
  workload: string;
  home: string;
  node: string;
  /** Since when home with the workload has stood within the return thresholds; undefined: it does not. */
  calmSince: number | undefined;
  /** Highest shares of home's capacity since then, with the workload. */
  peakCpuRatio: number;
  peakMemoryRatio: number;
  /** Home's last sample that was looked at; 0 before the first. */
  lastAt: number;
  /** What a decider saw before this one looked; counts once this one has seen the end of it. */
  noted: CalmStretch | undefined;
}

/** What migrations have shown of an image. */
export interface Learned {
  /** How much longer than modelled the dump takes. */
  dumpFactor: number;
  /** How much longer than modelled the whole takes, with that dump. */
  timeFactor: number;
  dirtyBytesPerSecond: number;
}

export interface StayMemory {
  reason: string;
  at: number;
}

/** Everything that a decision depends on: a fold over events. */
export interface World {
  policy: Policy;
  nodes: Map<string, NodeState>;
  /** The same nodes: targets are few among many sources. */
  tiers: Record<Tier, Set<NodeState>>;
  /** By migration. */
  flights: Map<string, Flight>;
  /** Past migrations by workload, oldest first, within the history window. */
  history: Map<string, Move[]>;
  /** Ids of ended migrations, so that a late message opens none of them again. */
  ended: Map<string, number>;
  /** By home, then by workload. */
  away: Map<string, Map<string, AwayState>>;
  /** By image. */
  learned: Map<string, Learned>;
  /** The last recorded "no" by node or workload. */
  stays: Map<string, StayMemory>;
}

export function createWorld(policy: Policy): World {
  return {
    policy,
    nodes: new Map(),
    tiers: { edge: new Set(), cloud: new Set() },
    flights: new Map(),
    history: new Map(),
    ended: new Map(),
    away: new Map(),
    learned: new Map(),
    stays: new Map(),
  };
}

export const newHold = (): Hold => ({ hits: 0, normals: 0, hot: false, since: 0 });

export const ratioOf = (usage: number, capacity: number): number => (capacity > 0 ? usage / capacity : 0);
