import type { Decision } from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { NodeRecord } from '../../lib/contract/node.ts';
import type { SagaState } from '../../lib/contract/saga.ts';

export const nodeOf = (name: string, workloads: string[]): NodeRecord => ({
  name,
  site: 'edge',
  tier: 'edge',
  address: '127.0.0.1',
  engines: ['runc'],
  versions: { runc: '1.3' },
  capacity: { cores: 2, memoryBytes: 4 * 2 ** 30 },
  workloads: workloads.map((workload) => ({
    name: workload,
    image: 'unmanaged',
    keeps: 'memory',
    strategy: 'auto',
    migrate: true,
    home: name,
    priority: 0,
    startedAt: Date.now(),
  })),
  updatedAt: Date.now(),
});

export function sagaOf(id: string, patch: Partial<SagaState> = {}): SagaState {
  const now = Date.now();
  return {
    command: {
      id,
      workload: 'trainer',
      source: 'edge-1',
      target: 'cloud-1',
      strategy: 'auto',
      trigger: 'manual',
      decision: 'd-1',
      epoch: 1,
      issuedAt: now,
      expiresAt: now + 60_000,
    },
    commandSequence: 1,
    term: 1,
    driver: 'edge-1',
    direction: 'forward',
    step: 'prepare',
    stage: 'prepare',
    cancelRequested: false,
    startedAt: { prepare: now },
    deadlineAt: now + 60_000,
    measurements: {},
    updatedAt: now,
    ...patch,
  };
}

export const eventOf = (
  id: string,
  stage: MigrationEvent['stage'],
  patch: Partial<MigrationEvent> = {},
): MigrationEvent => ({
  id,
  workload: 'trainer',
  source: 'edge-1',
  target: 'cloud-1',
  strategy: 'warm',
  trigger: 'manual',
  decision: 'd-1',
  epoch: 1,
  term: 1,
  stage,
  at: Date.now(),
  ...patch,
});

export const decisionOf = (id: string, patch: Partial<Decision>): Decision => ({
  id,
  at: Date.now(),
  epoch: 1,
  site: 'edge',
  node: 'edge-1',
  verdict: 'stay',
  trigger: 'manual',
  dryRun: false,
  policy: { name: 'default', version: '1' },
  sentence: 'nothing leaves edge-1: nothing is worth moving',
  reports: [
    {
      stage: 'victim',
      outcome: 'stop',
      summary: 'nothing is worth moving',
      terms: { excess: 0.25 },
      candidates: [{ name: 'shop', chosen: false, reason: 'too young', terms: { ageMs: 12 } }],
    },
  ],
  ...patch,
});
