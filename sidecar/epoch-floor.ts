import { openStore } from '../lib/bus/kv.ts';
import { sagaStateSchema } from '../lib/contract/saga.ts';
import type { ControllerTools } from './controller.ts';

/** Highest epoch that any migration was commanded in: whoever leads next leads in a higher one. @throws E_BUS */
export async function highestEpoch({ connection, log }: Pick<ControllerTools, 'connection' | 'log'>): Promise<number> {
  const store = await openStore(connection, 'migrations', sagaStateSchema, log);
  return Math.max(0, ...(await store.list()).map(({ value }) => value.command.epoch));
}
