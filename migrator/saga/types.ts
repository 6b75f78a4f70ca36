import type { Verb, VerbRequest, VerbResult } from '../../lib/contract/agent.ts';
import type { CommitRecord, MigrationEvent } from '../../lib/contract/migration.ts';
import type { SagaState, SagaStep } from '../../lib/contract/saga.ts';

export type Role = 'source' | 'target';
export type ActiveStep = Exclude<SagaStep, 'end'>;

/** An agent's wall clock less the driver's, and how wrong that may be. */
export interface NodeClock {
  offsetMs: number;
  errorMs: number;
}
export type Clocks = Partial<Record<Role, NodeClock>>;

export type VerbReply = { [V in Verb]: { verb: V; result: VerbResult<V> } }[Verb];

/** What can happen to a saga. `at` is the driver's wall clock. */
export type SagaEvent =
  | { kind: 'answered'; at: number; step: SagaStep; reply: VerbReply; clocks: Clocks }
  /** The agent said that the step is not in force: it refused, or tried and failed. */
  | { kind: 'failed'; at: number; step: SagaStep; code: string; message: string }
  /** No answer: the step may be in force or may not. */
  | { kind: 'unanswered'; at: number; step: SagaStep; message: string }
  | { kind: 'cancel'; at: number }
  | { kind: 'takeover'; at: number; driver: string }
  | ResolveEvent;

/** A person decides what nobody else can. `record` is what the source's agent has just said of it. */
export interface ResolveEvent {
  kind: 'resolve';
  at: number;
  driver: string;
  keep: Role;
  /** Attested to be gone for good: it is asked nothing any more. */
  dead?: Role | undefined;
  record?: CommitRecord | undefined;
}

/** Fields of every request that the driver fills in by itself. */
export type HeaderField = 'migration' | 'epoch' | 'term' | 'deadlineAt';
export type Body = { [V in Verb]: { verb: V; fields: Omit<VerbRequest<V>, HeaderField> } }[Verb];

export interface Ask {
  kind: 'ask';
  step: ActiveStep;
  role: Role;
  body: Body;
  /** The agent gives up at this time of the driver's clock. */
  deadlineAt: number;
  /** Silence for so long is the event `unanswered`. */
  timeoutMs: number;
  /** The state has to be in the store before this is sent; otherwise both may happen at once. */
  storedFirst: boolean;
}

export type SagaCommand =
  | Ask
  | { kind: 'publish'; event: MigrationEvent; id: string }
  /** Before the ask that follows. `retry`: growing pauses; `poll`: a steady one. */
  | { kind: 'wait'; why: 'retry' | 'poll' }
  | { kind: 'finish' };

export interface Transition {
  state: SagaState;
  commands: SagaCommand[];
}

export interface Limits {
  /** Time for each step, without what its bytes need. */
  budgetMs: Record<ActiveStep, number>;
  /** An agent that is silent for so long is asked again. */
  attemptMs: Record<ActiveStep, number>;
}

/** What the driver knows of the two nodes. */
export interface SagaContext {
  limits: Limits;
  /** What the link between the nodes carries. */
  bytesPerSecond: number;
  sourceAddress: string;
}
