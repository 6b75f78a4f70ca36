import { readStream } from '../lib/bus/read-stream.ts';
import { type MigrationEvent, migrationEventSchema } from '../lib/contract/migration.ts';
import { GodwitError } from '../lib/errors.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { parseOrSkip } from './history.ts';
import type { Hub } from './hub-client.ts';
import type { Io } from './io.ts';
import { duration } from './output.ts';

/** Shows each stage on stderr as it begins, until the migration ends. @throws E_TIMEOUT past `timeoutMs`, while it goes on */
export async function followMigration(hub: Hub, io: Io, id: string, timeoutMs: number): Promise<MigrationEvent> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]);
  const filter = `migration.v1.*.event.${id}.>`;
  let begun: number | undefined;
  let stage = 'requested';
  for await (const message of readStream(hub.js, 'EVENTS', { filter, clock: io.clock, log: hub.log, signal })) {
    const event = parseOrSkip(message, migrationEventSchema);
    if (!event) continue;
    begun ??= event.at;
    stage = event.stage;
    io.err(progressLine(event, event.at - begun));
    if (event.stage === 'ended') return event;
  }
  const goesOn = `it goes on: godwit describe migration ${id}`;
  if (io.signal.aborted) io.err(`${goesOn}\n`);
  throw new GodwitError(
    'E_TIMEOUT',
    `migration ${id} has not ended after ${duration(timeoutMs)}, it stands at ${stage}`,
    {
      next: goesOn,
    },
  );
}

function progressLine(event: MigrationEvent, elapsedMs: number): string {
  const said = [event.result, event.reason].filter(Boolean).join(': ');
  return `${`+${duration(Math.max(0, elapsedMs))}`.padStart(9)}  ${event.stage}${said ? `  ${said}` : ''}\n`;
}

/** How a migration that somebody asked for has gone. */
export function exitCodeOfResult({ result }: MigrationEvent): ExitCode {
  if (result === 'succeeded') return exitCodes.done;
  return result === 'refused' ? exitCodes.refused : exitCodes.failed;
}
