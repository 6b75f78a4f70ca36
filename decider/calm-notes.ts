import { z } from 'zod';
import type { Store } from '../lib/bus/kv.ts';
import type { Clock } from '../lib/clock.ts';
import { nameSchema, timestampSchema } from '../lib/contract/names.ts';
import type { Logger } from '../lib/logger.ts';
import { calmStretches } from './return-home/calm.ts';
import type { World } from './world/model.ts';

/** Value of key `<home>` in the bucket `calm`: how long home would have carried each of its workloads that are away. */
export const calmNotesSchema = z.array(
  z.object({
    workload: nameSchema,
    /** Where it runs. */
    node: nameSchema,
    /** Home's first and last sample of the stretch, by its clock. */
    since: timestampSchema,
    until: timestampSchema,
    peakCpuRatio: z.number().nonnegative(),
    peakMemoryRatio: z.number().nonnegative(),
  }),
);
export type CalmNotes = z.infer<typeof calmNotesSchema>;

/** Well within what a restarted decider reads back of the samples. */
export const notedEveryMs = 5000;

export interface CalmNotesOptions {
  store: Pick<Store<CalmNotes>, 'put'>;
  world: World;
  leads(): boolean;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** Notes, as long as this decider leads, the calm that a return home waits for. Runs until `signal` is aborted. */
export async function noteCalm({ store, world, leads, clock, log, signal }: CalmNotesOptions): Promise<void> {
  while (!signal.aborted) {
    if (leads())
      for (const [home, stretches] of [...calmStretches(world)])
        await store.put(home, stretches).catch((error: unknown) => log.warn({ err: error, home }, 'calm not noted'));
    await clock.sleep(notedEveryMs, { signal }).catch(() => undefined);
  }
}
