import type { Clock } from '../../lib/clock.ts';
import type { Exec } from '../../lib/exec.ts';
import type { KeyedQueue } from '../../lib/keyed-queue.ts';
import type { Logger } from '../../lib/logger.ts';
import type { NodeConfig } from '../../lib/node-config.ts';
import { type EngineDeps, type Place, placeIn } from '../engine/engine.ts';
import type { DataClient } from '../files/data-client.ts';
import type { AddressMover } from '../network/address.ts';
import { migrationFolder, type Paths } from '../paths.ts';
import type { WorkloadHost } from './host.ts';
import type { Journals } from './journal.ts';

/** All that the agent's verbs work with; nothing of it is global. */
export interface AgentContext {
  config: NodeConfig;
  paths: Paths;
  journals: Journals;
  exec: Exec;
  clock: Clock;
  log: Logger;
  address: AddressMover;
  data: DataClient;
  engine: EngineDeps;
  host: WorkloadHost;
  starts: KeyedQueue;
  /** Identifies this boot of the kernel: what was restored in another one is gone. */
  boot: string;
}

export const placeOf = (context: Pick<AgentContext, 'paths'>, migration: string): Place =>
  placeIn(migrationFolder(context.paths, migration));

/** Every verb gets the time left as a signal. */
export interface VerbOptions {
  signal: AbortSignal;
}
