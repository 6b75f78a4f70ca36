import { openStore } from '../../lib/bus/kv.ts';
import { request } from '../../lib/bus/request.ts';
import {
  type Decision,
  type MigrateReply,
  type MigrateRequest,
  migrateReplySchema,
} from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { type SagaState, sagaStateSchema } from '../../lib/contract/saga.ts';
import { migrateRequestSubject } from '../../lib/subjects.ts';
import type { TestFleet } from './fleet.ts';
import { beating } from './fleet-beats.ts';
import { tell } from './fleet-story.ts';
import { until } from './until.ts';

export interface Workload {
  name: string;
  url: string;
}

export interface RunOptions {
  name: string;
  node: string;
  /** Last byte of its address. */
  host: number;
  app?: string;
  /** `LAYOUT:TAG` on the node, in place of an app's bundle. */
  image?: string;
  keeps?: 'nothing' | 'files' | 'memory';
  env?: Record<string, string>;
  flags?: string[];
}

/** `godwit run` on a node; resolves when the workload answers. */
export async function runWorkload(fleet: TestFleet, options: RunOptions): Promise<Workload> {
  const { name, node, host, app = 'counter', image, keeps = 'memory', env = {}, flags = [] } = options;
  const address = fleet.addressOf(host);
  const pairs = Object.entries({ ...beating, ...env }).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
  const program = image === undefined ? ['--bundle', `/opt/bundles/${app}`] : ['--image', image];
  const given = [...program, '--keeps', keeps, '--address', address, ...flags, ...pairs];
  await fleet.exec(node, ['godwit', 'run', name, ...given]);
  const workload = { name, url: `http://${address}:8080` };
  await selfOf(workload, 30_000);
  await untilReported(fleet, name, node);
  return workload;
}

/** Resolves when the node has told the fleet that the workload runs there, so that a move can be asked for. */
export async function untilReported(fleet: TestFleet, workload: string, node: string): Promise<void> {
  const store = await openStore(fleet.operator, 'nodes', nodeRecordSchema, fleet.log);
  await until(`${node} to report ${workload}`, 30_000, async () => {
    const record = (await store.get(node))?.value;
    return record?.workloads.some(({ name }) => name === workload) || undefined;
  });
}

export interface Self {
  nonce: string;
  counter: number;
  checksum: { ok: boolean };
}

/** What the workload says of itself, all of its memory checked; waits until it answers. */
export function selfOf({ name, url }: Workload, ms = 15_000): Promise<Self> {
  return until(`${name} to answer`, ms, async () => {
    const answer = await fetch(`${url}/self?full`, { signal: AbortSignal.timeout(3000) });
    return (await answer.json()) as Self;
  });
}

export async function askToMove(
  fleet: TestFleet,
  wish: Partial<MigrateRequest> & { workload: string },
): Promise<MigrateReply> {
  return request(fleet.operator, migrateRequestSubject, wish, migrateReplySchema, { timeoutMs: 15_000 });
}

/** Asks for a move as `godwit migrate` does, until the decider grants it; returns the migration's id. */
export async function orderMove(
  fleet: TestFleet,
  wish: Partial<MigrateRequest> & { workload: string },
  ms = 120_000,
): Promise<string> {
  const decision: Decision = await until(
    `the decider to grant the move of ${wish.workload}`,
    ms,
    async () => {
      const reply = await askToMove(fleet, wish);
      if (reply.ok) return reply.decision;
      throw new Error(reply.error.message);
    },
    200,
  );
  if (!decision.migration) throw new Error(`decided without a migration: ${decision.sentence}`);
  return decision.migration;
}

export async function endOf(fleet: TestFleet, migration: string, ms = 60_000): Promise<MigrationEvent> {
  const fits = ({ id, stage }: MigrationEvent): boolean => id === migration && stage === 'ended';
  return fleet.story.until(`the end of ${migration}`, ms, fits).catch((error: Error) => {
    throw new Error(`${error.message}; its story: ${tell(fleet.story.of(migration))}`, { cause: error });
  });
}

/** Orders a move and waits for its end. */
export async function move(
  fleet: TestFleet,
  wish: Partial<MigrateRequest> & { workload: string },
): Promise<MigrationEvent> {
  return endOf(fleet, await orderMove(fleet, wish));
}

/** What the driver has stored of a migration. */
export async function sagaOf(fleet: TestFleet, migration: string): Promise<SagaState | undefined> {
  const store = await openStore(fleet.operator, 'migrations', sagaStateSchema, fleet.log);
  return (await store.get(migration))?.value;
}
