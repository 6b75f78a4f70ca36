import { type MigrationEvent, migrationEventSchema, stages } from '../../lib/contract/migration.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { readHistory } from '../history.ts';
import type { Hub } from '../hub-client.ts';
import { migrationStatus } from '../kinds/migrations.ts';
import { findMigration } from '../migration.ts';
import { bytes, duration } from '../output.ts';
import { fields, section, time } from './text.ts';

/** State, measurements and the course of events. @throws E_UNKNOWN_MIGRATION */
export async function describeMigration(hub: Hub, id: string): Promise<string> {
  const { value: saga } = await findMigration(hub, id);
  const events = await readHistory(hub, 'EVENTS', migrationEventSchema, { filter: `migration.v1.*.event.${id}.>` });
  return migrationText(saga, events);
}

export function migrationText(saga: SagaState, events: readonly MigrationEvent[]): string {
  const { command } = saga;
  return [
    fields({
      Migration: command.id,
      Workload: command.workload,
      Source: command.source,
      Target: command.target,
      Strategy: saga.prepared?.strategy ?? command.strategy,
      Status: migrationStatus(saga),
      Reason: saga.reason,
      'Commit record': saga.record,
      'Cancel asked': saga.cancelRequested ? 'yes' : undefined,
      Trigger: command.trigger,
      Decision: command.decision,
      Driver: `${saga.driver}, term ${saga.term}`,
      Epoch: command.epoch,
    }),
    section('\nMeasured', fields(measured(saga), '  ')),
    section('\nStages', fields(stageStarts(saga), '  ')),
    section('\nEvents', events.map(eventLine).join('')),
  ].join('');
}

function measured({ measurements: m }: SagaState): Record<string, string | undefined> {
  const ms = (value: number | undefined): string | undefined => (value === undefined ? undefined : duration(value));
  const size = (value: number | undefined): string | undefined => (value === undefined ? undefined : bytes(value));
  const error = m.freezeErrorMs === undefined ? '' : ` ± ${duration(m.freezeErrorMs)}`;
  return {
    Freeze: m.freezeMs === undefined ? undefined : `${duration(m.freezeMs)}${error}`,
    Total: ms(m.totalMs),
    Memory: size(m.memoryBytes),
    Files: size(m.filesBytes),
    Written: m.dirtyBytesPerSecond === undefined ? undefined : `${bytes(m.dirtyBytesPerSecond)}/s before the freeze`,
    Lazy: m.lazy === undefined ? undefined : m.lazy ? 'yes' : 'no',
    Drain: ms(m.drainMs),
  };
}

/** How long after the command each stage began. */
function stageStarts({ startedAt, command }: SagaState): Record<string, string> {
  const begun = stages.flatMap((stage) => {
    const at = startedAt[stage];
    return at === undefined ? [] : [[stage, `+${duration(Math.max(0, at - command.issuedAt))}`]];
  });
  return Object.fromEntries(begun);
}

export function eventLine(event: MigrationEvent): string {
  const said = [event.result, event.reason].filter(Boolean).join(': ');
  return `  ${time(event.at)}  ${event.stage}${said ? `  ${said}` : ''}\n`;
}
