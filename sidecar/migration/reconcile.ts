import { isDeepStrictEqual } from 'node:util';
import { applyStatus } from '../../k8s/apply.ts';
import { createEventRecorder } from '../../k8s/events.ts';
import { hasStatus } from '../../k8s/kube-error.ts';
import { type Migration, type MigrationStatus, migrationSchema } from '../../k8s/objects/migration.ts';
import { resources } from '../../k8s/resource.ts';
import { hasCode, messageOf } from '../../lib/errors.ts';
import { parseAs } from '../../lib/parse.ts';
import type { ControllerTools } from '../controller.ts';
import type { Execute } from './execute.ts';
import type { MigrationMetrics } from './metrics.ts';
import type { Observe } from './observe.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import { eventOf, type Told, tellsOf } from './telling.ts';

export interface ReconcileOptions extends Pick<ControllerTools, 'client' | 'epoch' | 'instance' | 'clock' | 'log'> {
  observe: Observe;
  execute: Execute;
  /** Publishes what happens before, or instead of, the command. */
  tell(told: Told): Promise<void>;
  metrics: MigrationMetrics;
}

export interface Reconcile {
  /** Brings one Migration a step on, or as many as need nothing from outside. */
  once(seen: Migration): Promise<void>;
  forget(migration: string): void;
}

/** What follows at once, without a change in the cluster that would be told: an answer, or a status of one's own. */
const immediate = ['ask-eviction', 'try-target', 'create-target'];

export function createReconcile(options: ReconcileOptions): Reconcile {
  const { client, epoch, observe, execute, tell, metrics, log } = options;
  const recorder = createEventRecorder({ ...options, controller: 'godwit.dev/migration' });
  /** As it was when we wrote it last: the watch tells it later. */
  const written = new Map<string, Migration>();

  const newest = (seen: Migration): Migration => {
    const own = written.get(seen.metadata.uid);
    return own && Number(own.metadata.resourceVersion) > Number(seen.metadata.resourceVersion) ? own : seen;
  };

  const write = async (observed: Observed, status: MigrationStatus): Promise<boolean> => {
    const { migration, source } = observed;
    if (isDeepStrictEqual(status, migration.status ?? {})) return false;
    const { name, namespace, uid } = migration.metadata;
    const event = eventOf(migration, status);
    if (event) {
      await recorder.record(resources.migrations, migration.metadata, event);
      if (source) await recorder.record(resources.pods, source.metadata, event);
    }
    const told = tellsOf(observed, status, epoch() ?? 1);
    if (told) await tell(told);
    const key = { name, namespace, uid };
    const answer = await applyStatus(client, resources.migrations, key, status);
    written.set(uid, parseAs(migrationSchema, answer, 'Migration'));
    if (status.phase !== migration.status?.phase) {
      log.info({ migration: uid, phase: status.phase, reason: status.reason }, 'phase');
      metrics.phase(status.phase ?? 'Pending');
    }
    return true;
  };

  const step = async (seen: Migration): Promise<boolean> => {
    const observed = await observe(newest(seen));
    const { status, action, after } = plan(observed);
    if (epoch() === undefined) return false;
    const changed = await write(observed, status);
    if (action.kind !== 'wait') log.info({ migration: seen.metadata.uid, action }, 'acting');
    await execute(action, observed);
    const done = after !== undefined && (await write({ ...observed, migration: newest(seen) }, after));
    return changed || done || immediate.includes(action.kind);
  };

  return {
    once: async (seen) => {
      try {
        // as many steps as there are kinds of actions, at most: the next look goes on
        for (let turn = 0; turn < 12; turn++) if (!(await step(seen))) return;
      } catch (error) {
        // deleted meanwhile, or changed by somebody: the next look sees it
        if (hasStatus(error, 404) || hasCode(error, 'E_CONFLICT')) log.info({ why: messageOf(error) }, 'looking again');
        else throw error;
      }
    },
    forget: (migration) => void written.delete(migration),
  };
}
