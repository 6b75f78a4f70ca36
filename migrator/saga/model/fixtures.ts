import type { Command } from '../../../lib/contract/migration.ts';
import type { SagaState } from '../../../lib/contract/saga.ts';
import { defaultLimits } from '../limits.ts';
import { rules } from '../steps.ts';
import type { ActiveStep, SagaContext } from '../types.ts';
import { preparedModel } from './agents.ts';

export const modelCommand: Command = {
  id: 'm1',
  workload: 'trainer',
  source: 'edge-1',
  target: 'cloud-1',
  strategy: 'auto',
  trigger: 'manual',
  decision: 'd1',
  epoch: 1,
  issuedAt: 1000,
  expiresAt: 1_000_000,
};

export const modelContext: SagaContext = {
  limits: defaultLimits,
  bytesPerSecond: 100_000_000,
  sourceAddress: '192.0.2.1',
};

const committed: readonly ActiveStep[] = ['run', 'destroy', 'thaw', 'switch', 'drain', 'release'];
const unstopped: readonly ActiveStep[] = ['prepare', 'receive'];

/** A state in the middle of `step`, entered at 2000, with its deadline at 20,000. */
export function stateAt(step: ActiveStep, change: Partial<SagaState> = {}): SagaState {
  const { stage = 'dump', direction = 'forward' } = rules[step];
  const before = unstopped.includes(step);
  return {
    command: modelCommand,
    commandSequence: 7,
    term: 3,
    driver: 'cloud-1',
    direction,
    step,
    stage,
    cancelRequested: false,
    startedAt: { prepare: 1000 },
    deadlineAt: 20_000,
    measurements: {},
    updatedAt: 2000,
    prepared: preparedModel,
    receive: { data: { address: '192.0.2.2', port: 7433 } },
    ...(!before && { frozenAt: 1500, record: committed.includes(step) ? 'committed' : 'open' }),
    ...(direction === 'backward' && { reason: 'given up' }),
    ...change,
  };
}
