import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { MigrationEvent } from '../lib/contract/migration.ts';
import type { Journal } from './agent/journal.ts';

export interface MigratorMetrics {
  registry: Registry;
  /** An event that this migrator's driver has told, and nobody before it. */
  told(event: MigrationEvent): void;
}

const secondsBuckets = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300];
const openStates = ['preparing', 'stopped', 'held', 'running', 'lost'] as const;
const daemonStates = ['waiting', 'serving', 'lost'] as const;

/** Everything that a migrator counts: as driver what it has told, as agent what stands in its journals. */
export function createMetrics(journals: () => readonly Journal[]): MigratorMetrics {
  const registry = new Registry();
  const registers = [registry];
  const name = (rest: string): string => `godwit_migrator_${rest}`;
  const migrations = new Counter({
    name: name('migrations_total'),
    help: 'Migrations that this driver has ended, by result and strategy',
    labelNames: ['result', 'strategy'],
    registers,
  });
  const doubts = new Counter({
    name: name('in_doubt_total'),
    help: 'Times that a migration came into doubt',
    registers,
  });
  const bytes = new Counter({
    name: name('moved_bytes_total'),
    help: 'Memory and files of the migrations that succeeded',
    labelNames: ['kind'],
    registers,
  });
  const seconds = (rest: string, help: string) =>
    new Histogram({ name: name(rest), help, labelNames: ['strategy'], buckets: secondsBuckets, registers });
  const freeze = seconds('freeze_seconds', 'Source stopped to target running');
  const drain = seconds('drain_seconds', 'Target running to the last page in, where the restore was lazy');
  const total = seconds('migration_seconds', 'Command issued to source released');
  const gauge = <S extends string>(
    rest: string,
    help: string,
    states: readonly S[],
    of: (journal: Journal) => S | undefined,
  ) =>
    new Gauge({
      name: name(rest),
      help,
      labelNames: ['state'],
      registers,
      collect() {
        const found = journals().map(of);
        for (const state of states) this.set({ state }, found.filter((one) => one === state).length);
      },
    });
  gauge('open_migrations', 'Migrations that have not ended on this node, by what stands here', openStates, openState);
  gauge(
    'page_daemons',
    'Page daemons of lazy restores on this node that have not delivered all pages',
    daemonStates,
    daemonState,
  );

  const ended = ({ result = 'failed', strategy, measurements: m = {} }: MigrationEvent): void => {
    migrations.inc({ result, strategy });
    if (result !== 'succeeded') return;
    bytes.inc({ kind: 'memory' }, m.memoryBytes ?? 0);
    bytes.inc({ kind: 'files' }, m.filesBytes ?? 0);
    if (m.freezeMs !== undefined) freeze.observe({ strategy }, m.freezeMs / 1000);
    if (m.drainMs !== undefined) drain.observe({ strategy }, m.drainMs / 1000);
    if (m.totalMs !== undefined) total.observe({ strategy }, m.totalMs / 1000);
  };
  return {
    registry,
    told: (event) => {
      if (event.stage === 'ended') ended(event);
      if (event.stage === 'in-doubt') doubts.inc();
    },
  };
}

function openState(journal: Journal): (typeof openStates)[number] | undefined {
  if (journal.ended || journal.role === 'void') return undefined;
  if (journal.role === 'source') {
    if (journal.record === undefined) return 'preparing';
    return journal.record === 'aborted' || journal.attested ? 'running' : 'stopped';
  }
  if (journal.lost) return 'lost';
  if (journal.runningAt !== undefined) return 'running';
  return journal.heldAt === undefined ? 'preparing' : 'held';
}

function daemonState(journal: Journal): (typeof daemonStates)[number] | undefined {
  if (journal.ended || journal.role !== 'target' || !journal.lazy || journal.destroyed) return undefined;
  if (journal.drainMs !== undefined) return undefined;
  if (journal.lost) return 'lost';
  return journal.runningAt === undefined ? 'waiting' : 'serving';
}
