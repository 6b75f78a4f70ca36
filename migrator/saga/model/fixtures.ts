import type { Command } from '../../../lib/contract/migration.ts';
import { defaultLimits } from '../limits.ts';
import type { SagaContext } from '../types.ts';

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
