import * as fault from './faults.ts';
import type { Scenario } from './play.ts';
import type { Point } from './points.ts';

const always = ['succeeded'] as const;
const either = ['succeeded', 'rolled-back'] as const;
const back = ['rolled-back'] as const;

/** The points at which `make test` strikes; `make test-faults` strikes at all. */
const mainPoints: readonly Point[] = ['freeze', 'transfer', 'commit', 'release'];
const allPoints: readonly Point[] = [
  'prepare',
  'freeze',
  'ready',
  'dump',
  'transfer',
  'restore',
  'commit',
  'run',
  'switch',
  'release',
  'clean',
];
const beforeCommit: readonly Point[] = ['prepare', 'freeze', 'ready', 'dump', 'transfer', 'restore'];

interface Kill {
  name: string;
  strike: Scenario['strike'];
  /** Points at which the kill may cost the move. */
  costs: readonly Point[];
}

const kills: readonly Kill[] = [
  { name: 'monitor', strike: fault.kill('monitor', 'source'), costs: [] },
  { name: 'decider', strike: fault.kill('decider', 'hub'), costs: [] },
  { name: 'source migrator', strike: fault.kill('migrator', 'source'), costs: beforeCommit },
  { name: 'target migrator', strike: fault.kill('migrator', 'target'), costs: beforeCommit },
  { name: 'driving migrator', strike: fault.kill('migrator', 'driver'), costs: beforeCommit },
  { name: 'hub nats', strike: fault.kill('nats', 'hub'), costs: beforeCommit },
  { name: 'leaf nats', strike: fault.kill('nats', 'source'), costs: beforeCommit },
];

const killsAt = (points: readonly Point[]): Scenario[] =>
  kills.flatMap(({ name, strike, costs }) =>
    points.map((point) => ({
      fault: `kill -9 of the ${name}`,
      point,
      strike,
      results: costs.includes(point) ? either : always,
    })),
  );

/** The node that drives is the one that is struck. */
const killsOfDrivers = (points: readonly Point[]): Scenario[] =>
  (['source', 'target'] as const).flatMap((driver) =>
    points.map((point) => ({
      fault: `kill -9 of the ${driver} migrator`,
      point,
      driver,
      strike: fault.kill('migrator', driver),
      results: beforeCommit.includes(point) ? either : always,
    })),
  );

const killsInColdMoves = (points: readonly Point[]): Scenario[] =>
  (['source', 'target'] as const).flatMap((victim) =>
    points.map((point) => ({
      fault: `kill -9 of the ${victim} migrator`,
      point,
      strategy: 'cold' as const,
      strike: fault.kill('migrator', victim),
      results: beforeCommit.includes(point) ? either : always,
    })),
  );

const cuts: readonly Scenario[] = [
  { fault: 'link cut', point: 'freeze', strike: fault.cutLink, later: fault.healWhenGivenUp, results: back },
  { fault: 'link cut', point: 'transfer', strike: fault.cutLink, later: fault.healWhenAlive('source'), results: back },
  // the question whether to commit never arrives
  { fault: 'link cut', point: 'restore', strike: fault.cutLink, later: fault.healWhenAlive('source'), results: back },
  // the record is committed, and nobody hears of it
  {
    fault: 'answer to commit lost',
    point: 'commit',
    strike: fault.cutLink,
    later: fault.healWhenInDoubt,
    results: always,
  },
  { fault: 'link cut', point: 'release', strike: fault.cutLink, later: fault.healWhenAlive('target'), results: always },
];

const moreCuts: readonly Scenario[] = [
  { fault: 'link cut', point: 'prepare', strike: fault.cutLink, later: fault.healWhenGivenUp, results: ['refused'] },
  { fault: 'link cut', point: 'ready', strike: fault.cutLink, later: fault.healWhenBothGaveUp, results: back },
  { fault: 'link cut', point: 'dump', strike: fault.cutLink, later: fault.healWhenAlive('source'), results: back },
  { fault: 'link cut', point: 'run', strike: fault.cutLink, later: fault.healWhenAlive('target'), results: always },
  { fault: 'link cut', point: 'switch', strike: fault.cutLink, later: fault.healWhenAlive('target'), results: always },
];

const fullTarget = (points: readonly Point[]): Scenario[] =>
  points.map((point) => ({
    fault: 'memory file system of the target full',
    point,
    strike: fault.fillTarget,
    results: point === 'prepare' ? ['refused'] : beforeCommit.includes(point) ? either : always,
  }));

const others: readonly Scenario[] = [
  { fault: 'image broken', point: 'restore', strike: fault.breakImage, results: back },
  { fault: 'CRIU missing at the target', point: 'restore', strike: fault.loseCriu, results: back },
  { fault: 'held copy killed', point: 'commit', strike: fault.killHeldCopy, results: back },
  { fault: 'two drivers', point: 'dump', strike: fault.stallDriver, results: always },
  { fault: 'late abort at the source', point: 'run', strike: fault.abortLate, results: always },
  { fault: 'command delivered twice', point: 'dump', strike: fault.repeatCommand, results: always },
  { fault: 'CRIU hangs in the dump', point: 'transfer', strike: fault.hangDump, results: back, processLost: true },
  { fault: 'page sender killed', point: 'transfer', strike: fault.killPageSender, results: back },
  { fault: 'page server hangs', point: 'transfer', strike: fault.hangPageServer, results: back },
];

export const mainScenarios: readonly Scenario[] = [
  ...cuts,
  ...others,
  ...killsAt(mainPoints),
  ...fullTarget(mainPoints),
  ...killsInColdMoves(['commit']),
];

export const allScenarios: readonly Scenario[] = [
  ...cuts,
  ...moreCuts,
  ...others,
  ...killsAt(allPoints),
  ...killsOfDrivers(allPoints),
  ...fullTarget(allPoints),
  ...killsInColdMoves(['freeze', 'restore', 'commit', 'run', 'switch']),
];
