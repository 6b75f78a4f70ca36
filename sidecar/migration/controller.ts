import { jetstream } from '@nats-io/jetstream';
import { createInformer } from '../../k8s/informer.ts';
import { idOf, type Migration, migrationSchema } from '../../k8s/objects/migration.ts';
import { isTrue, type Pod, podSchema } from '../../k8s/objects/pod.ts';
import { resources } from '../../k8s/resource.ts';
import { openStore } from '../../lib/bus/kv.ts';
import { publish } from '../../lib/bus/publish.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { sagaStateSchema } from '../../lib/contract/saga.ts';
import type { Controller, ControllerTools } from '../controller.ts';
import { createExecute } from './execute.ts';
import { finalizer, migrationLabel } from './marks.ts';
import { createMigrationMetrics, type MigrationMetrics } from './metrics.ts';
import { watchNodeRecords } from './node-records.ts';
import { createObserve } from './observe.ts';
import type { Answers } from './observed.ts';
import { createReconcile } from './reconcile.ts';
import { followStories } from './stories.ts';
import type { Told } from './telling.ts';
import { createTurns } from './turns.ts';

/** What is not told by a change is seen at the latest after this. */
const lookEveryMs = 1000;
/** By how much the clocks of API server and NATS server may differ. */
const clocksMs = 300_000;

/** Carries out Migration objects: commands by NATS, everything of pods by the API. Level-triggered: a restart goes on. */
export function createMigrationController(tools: ControllerTools): Controller {
  const metrics = createMigrationMetrics(tools.registry);
  return { name: 'migration', run: ({ signal }) => runTerm(tools, metrics, signal) };
}

/** One term: whatever is known is read anew. */
async function runTerm(tools: ControllerTools, metrics: MigrationMetrics, signal: AbortSignal): Promise<void> {
  const { client, connection, checkpoints, clock, random, log } = tools;
  const watching = { client, clock, random, log };
  const answers = new Map<string, Answers>();
  const migrations = createInformer<Migration>({
    ...watching,
    resource: resources.migrations,
    schema: migrationSchema,
    onChange: ({ kind, object }) => (kind === 'deleted' ? forget(object) : pokeAll()),
  });
  const targets = createInformer<Pod>({
    ...watching,
    resource: resources.pods,
    selection: { labelSelector: migrationLabel },
    schema: podSchema,
    onChange: ({ object }) => turns.poke(object.metadata.labels?.[migrationLabel] ?? ''),
  });
  const open = (): Migration[] => migrations.list().filter(isOpen);
  // more than one where somebody has taken the id of another
  const withId = (id: string): Migration[] => migrations.list().filter((one) => idOf(one) === id);
  const pokeAll = (): void => {
    for (const one of open()) turns.poke(idOf(one));
  };
  const stories = followStories(
    tools,
    (id) => withId(id).length > 0,
    (id) => (id === '' ? pokeAll() : turns.poke(id)),
  );
  const records = watchNodeRecords(tools, pokeAll);
  const forget = (gone: Migration): void => {
    const id = idOf(gone);
    if (withId(id).every(({ metadata }) => metadata.uid === gone.metadata.uid)) {
      stories.forget(id);
      answers.delete(id);
    }
    reconcile.forget(gone.metadata.uid);
    pokeAll();
  };
  const observe = createObserve({
    client,
    clock,
    checkpoints,
    known: migrations.list,
    targets,
    records,
    stories,
    answers,
  });
  const execute = createExecute({
    ...tools,
    migrations: await openStore(connection, 'migrations', sagaStateSchema, log),
    learn: (id, answer) => void answers.set(id, { ...answers.get(id), ...answer }),
  });
  const js = jetstream(connection, viaHub());
  const tell = async ({ subject, event, id }: Told): Promise<void> => void (await publish(js, subject, event, { id }));
  const reconcile = createReconcile({ ...tools, observe, execute, tell, metrics });
  const turns = createTurns(async (id) => {
    for (const migration of withId(id))
      if (!signal.aborted && stories.caughtUp() && targets.synced()) await reconcile.once(migration);
  }, log);

  const following = async (): Promise<void> => {
    while (!migrations.synced() && !signal.aborted) await clock.sleep(50, { signal }).catch(() => undefined);
    const births = open().map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''));
    if (!signal.aborted) await stories.run({ since: Math.min(clock.now(), ...births) - clocksMs, signal });
  };
  const looking = async (): Promise<void> => {
    for (; !signal.aborted; pokeAll()) await clock.sleep(lookEveryMs, { signal }).catch(() => undefined);
  };
  await Promise.all([
    migrations.run({ signal }),
    targets.run({ signal }),
    records.run({ signal }),
    following(),
    looking(),
  ]);
  await turns.idle();
}

/** Something may still have to be done for it. */
const isOpen = ({ status = {}, metadata }: Migration): boolean =>
  !isTrue({ status }, 'Completed') || metadata.finalizers?.includes(finalizer) === true;
