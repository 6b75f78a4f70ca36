import type { Versioned } from '../lib/bus/kv.ts';
import { idSchema } from '../lib/contract/names.ts';
import type { SagaState } from '../lib/contract/saga.ts';
import type { Hub } from './hub-client.ts';
import { unknownName } from './suggest.ts';

/** @throws E_UNKNOWN_MIGRATION */
export async function findMigration(hub: Hub, id: string): Promise<Versioned<SagaState>> {
  const store = await hub.migrations();
  const found = idSchema.safeParse(id).success ? await store.get(id) : undefined;
  if (found) return found;
  const known = (await store.list()).sort((a, b) => b.value.command.issuedAt - a.value.command.issuedAt);
  throw unknownName(
    'E_UNKNOWN_MIGRATION',
    'migration',
    id,
    known.map(({ key }) => key),
    'godwit get migrations',
  );
}
