import { Counter, type Registry } from '@prometheus-io/client';

export interface MigrationMetrics {
  /** A Migration object has come into this phase. */
  phase(phase: string): void;
}

export function createMigrationMetrics(registry: Registry): MigrationMetrics {
  const phases = new Counter({
    name: 'godwit_controller_migration_phases_total',
    help: 'Migration objects that came into each phase',
    labelNames: ['phase'],
    registers: [registry],
  });
  return { phase: (phase) => phases.inc({ phase }) };
}
