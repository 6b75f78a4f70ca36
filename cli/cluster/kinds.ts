import { z } from 'zod';
import { choice } from '../flags.ts';

export const clusterKindNames = ['nodes', 'workloads', 'migrations'] as const;
export type ClusterKindName = (typeof clusterKindNames)[number];

const others: Record<string, ClusterKindName> = {
  ...{ no: 'nodes', en: 'nodes', edgenode: 'nodes', edgenodes: 'nodes' },
  ...{ wl: 'workloads', pod: 'workloads', pods: 'workloads' },
  mig: 'migrations',
};

/** `nodes`, `node` or `no`, and so on; kubectl's names of the kinds as well. */
export const clusterKindFlag = z
  .string()
  .transform((text) => others[text] ?? clusterKindNames.find((name) => name === text || name === `${text}s`) ?? text)
  .pipe(choice('kind', clusterKindNames));
