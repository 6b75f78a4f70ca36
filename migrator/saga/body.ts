import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError } from '../../lib/errors.ts';
import { rules } from './steps.ts';
import type { ActiveStep, Body, SagaContext } from './types.ts';

/** What the verb of `step` is asked with. Throws E_RECORD when the state does not allow the step: a fault of the saga itself. */
export function bodyOf(state: SagaState, step: ActiveStep, context: SagaContext): Body {
  const { command } = state;
  switch (rules[step].verb) {
    case 'prepare':
      return { verb: 'prepare', fields: { workload: command.workload, strategy: command.strategy } };
    case 'receive':
      return receiveBody(state, context);
    case 'freeze':
      return {
        verb: 'freeze',
        fields: {
          strategy: need(state.prepared, step).strategy,
          receive: need(state.receive, step),
          target: command.target,
          abortAt: state.deadlineAt,
        },
      };
    case 'dump':
      return { verb: 'dump', fields: { receive: need(state.receive, step) } };
    case 'run':
      return runBody(state);
    case 'abort':
      return {
        verb: 'abort',
        fields: {
          reason: state.reason ?? 'given up',
          ...(step === 'thaw' && { attestation: state.resolution?.dead === 'target' ? 'node-dead' : 'destroyed' }),
        },
      };
    case 'status':
      return { verb: 'status', fields: { migration: command.id } };
    case 'restore':
      return { verb: 'restore', fields: {} };
    case 'commit':
      return { verb: 'commit', fields: {} };
    case 'switch':
      return { verb: 'switch', fields: {} };
    case 'release':
      return { verb: 'release', fields: {} };
    case 'clean':
      return { verb: 'clean', fields: {} };
  }
}

function runBody({ record, resolution }: SagaState): Body {
  if (record !== 'committed' && resolution?.dead !== 'source')
    throw new GodwitError('E_RECORD', 'run needs the record to be committed');
  const warrant = record === 'committed' ? record : 'source-dead';
  return { verb: 'run', fields: { record: warrant, ...(resolution?.anew && { anew: true }) } };
}

function receiveBody(state: SagaState, context: SagaContext): Body {
  const { source } = state.command;
  const { sourceAddress } = context;
  return { verb: 'receive', fields: { ...need(state.prepared, 'receive'), source, sourceAddress } };
}

function need<T>(value: T | undefined, step: ActiveStep): T {
  if (value === undefined) throw new GodwitError('E_RECORD', `${step} needs the answer of an earlier step`);
  return value;
}
