import { z } from 'zod';
import { nameSchema, tierSchema } from './names.ts';

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const durationPattern = /^(\d+(ms|s|m|h|d))+$/;

/** `90s`, `1h30m`; parsed to milliseconds. */
const durationSchema = z
  .string('expected a duration such as 90s, 15m or 1h30m')
  .regex(durationPattern, 'expected a duration such as 90s, 15m or 1h30m')
  .transform((text) =>
    [...text.matchAll(/(\d+)(ms|s|m|h|d)/g)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * unitMs[unit as keyof typeof unitMs],
      0,
    ),
  );
const duration = (standard: string) => durationSchema.prefault(standard);

/** A share of capacity above 0, at most 1. */
const thresholdSchema = z.number().gt(0).max(1);
const thresholds = (cpu: number, memory: number) =>
  z.strictObject({ cpu: thresholdSchema.default(cpu), memory: thresholdSchema.default(memory) }).prefault({});
const count = (standard: number) => z.number().int().min(1).default(standard);
const amount = (standard: number) => z.number().nonnegative().default(standard);
const tiers = (standard: 'edge' | 'cloud') => z.array(tierSchema).min(1).default([standard]);

const signalsSchema = z.strictObject({
  /** Time constant of the moving averages. */
  timeConstant: duration('10s'),
  nodeMetricExpirationSeconds: z.number().positive().default(180),
  /** A node that has been silent for more than this many of its own periods gets no decision. */
  missedPeriods: count(3),
});

const overloadSchema = z.strictObject({
  detector: z.enum(['THR', 'EWMA', 'MAD', 'IQR', 'LR', 'LOESS', 'RLOESS', 'MHOD', 'PSI']).default('EWMA'),
  /** Of MAD, IQR, LR, LOESS and RLOESS; by default the published one of each. */
  safetyParameter: z.number().positive().max(10).optional(),
  /** Of MHOD: share of time that may be spent beyond the trigger. */
  otf: z.number().gt(0).lt(1).default(0.1),
  /** Of PSI. */
  pressureThresholds: thresholds(0.4, 0.1),
  /** Tiers whose nodes are relieved. */
  tiers: tiers('edge'),
  targetThresholds: thresholds(0.8, 0.85),
  /** Fires without a hold. */
  immediateThresholds: z.strictObject({ memory: thresholdSchema.default(0.95) }).prefault({}),
  /** A workload against its own CPU limit, on a node that may be cool. */
  workloadThresholds: z
    .strictObject({
      enabled: z.boolean().default(true),
      cpu: thresholdSchema.default(0.95),
      throttled: thresholdSchema.default(0.5),
    })
    .prefault({}),
  anomalyCondition: z
    .strictObject({
      consecutiveAbnormalities: count(2),
      consecutiveNormalities: count(3),
      /** Samples that lie farther apart than this (or than `missedPeriods`) start the counts anew. */
      timeout: duration('1m'),
    })
    .prefault({}),
});

const victimSchema = z.strictObject({
  selection: z.enum(['cover-excess', 'MMT', 'MC', 'MU', 'RS']).default('cover-excess'),
  /** Of the lots that RS draws. */
  seed: z.number().int().nonnegative().default(1),
  /** One move should bring the node down to here. */
  releaseThresholds: thresholds(0.5, 0.75),
  minWorkloadAge: duration('5m'),
  /** Workloads of this priority and above are never taken. */
  priorityThreshold: z.number().int().optional(),
});

const targetSchema = z.strictObject({
  selection: z.enum(['free-share']).default('free-share'),
  tiers: tiers('cloud'),
  /** Shares of its capacity that a target may reach by a move. */
  fillThresholds: thresholds(0.7, 0.75),
  resourceWeights: z.strictObject({ cpu: amount(1), memory: amount(1) }).prefault({}),
  /** What a USD per core-hour, and a second of round trip, take from a target's score. */
  priceWeight: amount(1),
  roundTripWeight: amount(1),
  nodes: z.record(nameSchema, z.strictObject({ pricePerCoreHour: amount(0), roundTripMs: amount(0) })).default({}),
});

/** Prices in USD. */
const costSchema = z.strictObject({
  enabled: z.boolean().default(true),
  margin: amount(0.1),
  minResidence: duration('15m'),
  returnProbability: z.number().min(0).max(1).default(0.5),
  pricePerCoreHour: amount(0.04),
  pricePerGiBHour: amount(0.005),
  pricePerGBUp: amount(0.02),
  pricePerGBDown: amount(0.09),
  penaltyPerCoreHour: amount(5),
  penaltyPerDownSecond: amount(0.0001),
  outOfMemoryCost: amount(1),
  /** Uplink of a site that states none. */
  bytesPerSecond: z.number().positive().default(12_500_000),
  /** Rate at which a node writes or reads a memory image. */
  imageBytesPerSecond: z.number().positive().default(500_000_000),
  startTime: duration('1s'),
  dirtyBytesPerSecond: z.number().nonnegative().default(1_000_000),
  completionTimeoutPerGiB: duration('1h'),
});

const budgetsSchema = z.strictObject({
  parallelMigrationsPerCluster: count(5),
  parallelOutboundMigrationsPerSite: count(1),
  parallelInboundMigrationsPerNode: count(2),
  minMigrationInterval: duration('5m'),
  migrationCooldown: duration('15m'),
  maxMigrationCooldown: duration('6h'),
  migrationHistoryWindow: duration('48h'),
  /** A command that nobody has taken up by then is void. */
  commandExpiration: duration('60s'),
});

const returnHomeSchema = z.strictObject({
  enabled: z.boolean().default(true),
  /** Home, with the workload back, must have stood at or below this for the whole window. */
  returnThresholds: thresholds(0.5, 0.65),
  stabilizationWindowSeconds: z.number().positive().default(7200),
});

/** The rules of the decider, stage by stage; durations are milliseconds once parsed. */
export const policySpecSchema = z.strictObject({
  /** No decision is made; people may still ask for moves. */
  paused: z.boolean().default(false),
  /** Decisions are recorded, and not commanded. */
  dryRun: z.boolean().default(false),
  signals: signalsSchema.prefault({}),
  overload: overloadSchema.prefault({}),
  victim: victimSchema.prefault({}),
  target: targetSchema.prefault({}),
  cost: costSchema.prefault({}),
  budgets: budgetsSchema.prefault({}),
  returnHome: returnHomeSchema.prefault({}),
});
export type PolicySpec = z.infer<typeof policySpecSchema>;
