import {
  type Measurements,
  type MigrationEvent,
  type MigrationResult,
  type Stage,
  stageSchema,
} from '../../lib/contract/migration.ts';

/** What the events of one migration have told. */
export interface Progress {
  /** Told last. */
  stage: MigrationEvent['stage'];
  /** Milliseconds since the epoch at which each stage began. */
  stageTimes: Partial<Record<Stage, number>>;
  /** Of the terminal event; a lost migration that a person settles gets another one. */
  result?: MigrationResult;
  endedAt?: number;
  reason?: string;
  measurements: Measurements;
}

/** Stages that are told only once the source's record says `committed`. */
const afterCommit: readonly Stage[] = ['run', 'switch', 'release'];

export function foldEvent(before: Progress | undefined, event: MigrationEvent): Progress {
  const { stage, at, result, reason, measurements } = event;
  const known = stageSchema.safeParse(stage);
  return {
    stage,
    stageTimes: { ...(known.success && { [known.data]: at }), ...before?.stageTimes },
    ...(before?.result !== undefined && { result: before.result }),
    ...(before?.endedAt !== undefined && { endedAt: before.endedAt }),
    ...(result !== undefined && { result, endedAt: at }),
    ...(reason !== undefined && { reason }),
    measurements: { ...before?.measurements, ...measurements },
  };
}

/** The target's copy has been told to run, and nothing has been undone since. */
export const runs = ({ stage, stageTimes, result }: Progress): boolean =>
  result === 'succeeded' ||
  (result === undefined && !['aborting', 'in-doubt'].includes(stage) && stageTimes.run !== undefined);

export const isCommitted = ({ stageTimes }: Progress): boolean =>
  afterCommit.some((stage) => stageTimes[stage] !== undefined);
