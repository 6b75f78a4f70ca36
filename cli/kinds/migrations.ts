import type { SagaState } from '../../lib/contract/saga.ts';
import type { Hub } from '../hub-client.ts';
import { age, bytes, duration, type Kind } from '../output.ts';
import type { Resource } from './resource.ts';

/** The result, or the stage that is under way. */
export function migrationStatus(saga: SagaState): string {
  if (saga.result) return saga.result;
  if (saga.direction === 'backward') return `rolling back (${saga.stage})`;
  return saga.direction === 'in-doubt' ? 'in-doubt' : saga.stage;
}

const optional = <T>(value: T | undefined, show: (value: T) => string): string | undefined =>
  value === undefined ? undefined : show(value);

const migrationKind = (now: number): Kind<SagaState> => ({
  kind: 'migration',
  name: ({ command }) => command.id,
  columns: [
    { header: 'NAME', value: ({ command }) => command.id },
    { header: 'WORKLOAD', value: ({ command }) => command.workload },
    { header: 'FROM', value: ({ command }) => command.source },
    { header: 'TO', value: ({ command }) => command.target },
    { header: 'STRATEGY', value: ({ prepared, command }) => prepared?.strategy ?? command.strategy },
    { header: 'STATUS', value: migrationStatus },
    { header: 'FREEZE', value: ({ measurements }) => optional(measurements.freezeMs, duration) },
    { header: 'TOTAL', value: ({ measurements }) => optional(measurements.totalMs, duration) },
    { header: 'AGE', value: ({ command }) => age(command.issuedAt, now) },
    { header: 'TRIGGER', wide: true, value: ({ command }) => command.trigger },
    { header: 'MEMORY', wide: true, value: ({ measurements }) => optional(measurements.memoryBytes, bytes) },
    { header: 'DRAIN', wide: true, value: ({ measurements }) => optional(measurements.drainMs, duration) },
    { header: 'DECISION', wide: true, value: ({ command }) => command.decision },
    { header: 'REASON', wide: true, value: ({ reason }) => reason },
  ],
});

export const migrations: Resource<SagaState> = {
  kind: migrationKind,
  unknown: 'E_UNKNOWN_MIGRATION',
  list: async (hub, limit) => {
    const all = (await (await hub.migrations()).list()).map(({ value }) => value);
    return all.sort((a, b) => a.command.issuedAt - b.command.issuedAt).slice(-limit);
  },
  changes: migrationChanges,
  fingerprint: (saga) => [saga.command.id, migrationStatus(saga)].join(),
};

async function* migrationChanges(hub: Hub, _since: number, signal: AbortSignal): AsyncGenerator<SagaState> {
  const store = await hub.migrations();
  for await (const { value } of store.watch({ signal })) if (value) yield value;
}
