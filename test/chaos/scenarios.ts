import { until } from '../helpers/until.ts';
import { cutLink, healLink, kill } from './faults.ts';
import type { Scenario } from './play.ts';

export const scenarios: Scenario[] = [
  {
    fault: 'kill -9 of the source migrator',
    point: 'dump',
    strike: kill('migrator', 'source'),
    results: ['succeeded'],
  },
  {
    fault: 'link cut',
    point: 'transfer',
    strike: cutLink,
    later: async (scene, watch) => {
      // still cut: the source has to help itself
      const from = Date.now();
      await until('the source to run on by itself', 120_000, () => watch.since(from).length > 0 || undefined);
      await healLink(scene);
    },
    results: ['rolled-back'],
  },
  {
    fault: 'kill -9 of the target migrator',
    point: 'restore',
    strike: kill('migrator', 'target'),
    results: ['succeeded'],
  },
];
