import { join } from 'node:path';
import type { Strategy } from '../../lib/contract/names.ts';

/** One of the three test cases: how the app is declared, and what is to come of it under load. */
export interface Case {
  name: string;
  what: string;
  /** For `kubectl apply -k`. */
  folder: string;
  strategy: Strategy;
  /** What stands beyond its threshold: the CPU of the node, or the workload's own limit. */
  kind: 'cpu' | 'workload';
}

export const app = 'image-reduction';
/** Of the Service, on every node. */
export const port = 30_180;

/** Of this checkout, as people write it. */
export const examples = `k8s/examples/${app}`;
const folder = (name: string): string => join(import.meta.dirname, '../..', examples, name);

export const cases: readonly Case[] = [
  {
    name: 'restart',
    what: 'under load, restart policy: a new process in the cloud',
    folder: folder('restart'),
    strategy: 'restart',
    kind: 'cpu',
  },
  {
    name: 'checkpoint',
    what: 'under load, checkpoint policy: the same process goes on in the cloud',
    folder: folder('checkpoint'),
    strategy: 'warm',
    kind: 'cpu',
  },
  {
    name: 'limit',
    what: 'at its own CPU limit, restart policy: a new process in the cloud, though the node is cool',
    folder: folder('limit'),
    strategy: 'restart',
    kind: 'workload',
  },
];
