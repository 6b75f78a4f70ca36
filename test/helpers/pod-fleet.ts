import { afterAll, beforeAll, beforeEach } from 'vitest';
import { raiseFleet, type TestFleet } from './fleet.ts';
import { installGates } from './fleet-gates.ts';
import { untilReady } from './fleet-services.ts';
import { edgeAndCloud, pausedPolicy } from './fleet-specs.ts';
import { clusterObstacle } from './kubernetes.ts';
import { type PodObjects, podObjects } from './pod-objects.ts';

export interface PodFleet {
  fleet: TestFleet;
  pods: PodObjects;
}

const missing = await clusterObstacle();

/**
 * For the tests of a `describe`: a cluster of an edge and a cloud node with Godwit, in which nothing moves unless somebody asks, given
 * once to `use`. Where none can be raised they are skipped, with the reason. `gates`: programs may be held on the nodes.
 */
export function withPodFleet({ gates }: { gates: boolean }, use: (raised: PodFleet) => void): void {
  let fleet: TestFleet | undefined;
  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    fleet = await raiseFleet({ nodes: edgeAndCloud, policy: pausedPolicy, cluster: 'controllers' });
    if (gates) for (const worker of fleet.workers) await installGates(worker);
    await untilReady(fleet);
    use({ fleet, pods: await podObjects(fleet) });
  });
  afterAll(async () => {
    if (!fleet) return;
    console.log(await fleet.keepLogs());
    await fleet.down();
  });
}
