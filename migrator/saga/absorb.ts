import type { CommitRecord, Measurements } from '../../lib/contract/migration.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import type { Clocks, Role, VerbReply } from './types.ts';

/** Adds to the state what an answer of `role` says. Facts only; which step follows is the table's. */
export function absorb(state: SagaState, role: Role, reply: VerbReply, clocks: Clocks, at: number): SagaState {
  switch (reply.verb) {
    case 'prepare': {
      const { memoryBytes, filesBytes, dirtyBytesPerSecond } = reply.result;
      const dirty = dirtyBytesPerSecond !== undefined && { dirtyBytesPerSecond };
      return measured({ ...state, prepared: reply.result }, { memoryBytes, filesBytes, ...dirty });
    }
    case 'receive':
      return { ...state, receive: reply.result };
    case 'freeze':
      return { ...state, record: turn(state.record, 'open'), frozenAt: reply.result.frozenAt };
    case 'dump': {
      const { memoryBytes, filesBytes, dumpMs } = reply.result;
      return measured(state, { memoryBytes, filesBytes, dumpMs });
    }
    case 'restore':
      return measured(state, { lazy: reply.result.lazy });
    case 'commit':
      return { ...state, record: turn(state.record, reply.result.record) };
    case 'run':
      return withFreeze({ ...state, runningAt: reply.result.runningAt }, clocks);
    case 'status': {
      const { drainMs } = reply.result;
      return drainMs === undefined ? state : measured(state, { drainMs });
    }
    case 'release':
      return measured(withFreeze(state, clocks), { totalMs: at - state.command.issuedAt });
    case 'abort': {
      const { record } = reply.result;
      return record === undefined || role === 'target' ? state : { ...state, record: turn(state.record, record) };
    }
    case 'switch':
    case 'clean':
      return state;
  }
}

/** A record that has turned never changes again. */
function turn(known: CommitRecord | undefined, said: CommitRecord): CommitRecord {
  return known === undefined || known === 'open' ? said : known;
}

function measured(state: SagaState, more: Measurements): SagaState {
  return { ...state, measurements: { ...state.measurements, ...more } };
}

/**
 * Source stopped → target running. Both times are brought to the driver's clock by the offset of their node's, so that the
 * nodes' clocks need not agree; the errors of both offsets add up.
 */
function withFreeze(state: SagaState, { source, target }: Clocks): SagaState {
  const { frozenAt, runningAt } = state;
  if (frozenAt === undefined || runningAt === undefined || !source || !target) return state;
  if (state.measurements.freezeMs !== undefined) return state;
  const freezeMs = runningAt - target.offsetMs - (frozenAt - source.offsetMs);
  return measured(state, { freezeMs: Math.max(0, freezeMs), freezeErrorMs: source.errorMs + target.errorMs });
}
