import type { Clock } from '../../../lib/clock.ts';
import { findings, tellNext } from '../../doctor/check.ts';
import { exitCodes } from '../../exit.ts';
import { parseFlags } from '../../flags.ts';
import type { Verb } from '../../io.ts';
import { outputFlags, print } from '../../output.ts';
import { type Cluster, clusterFlags, withCluster } from '../cluster.ts';
import { controllers, judgeCluster } from '../doctor/checks.ts';
import { gather, type LeaseSeen, readLease } from '../doctor/facts.ts';

export const run: Verb = async (input, io) => {
  const flags = parseFlags({ ...clusterFlags, ...outputFlags }, input, 'doctor');
  const found = await withCluster(flags, io, async (cluster) => {
    const { facts, denied } = await gather(cluster, flags.namespace);
    const renewed = facts.lease?.holderIdentity ? await isRenewed(cluster, facts.lease, io.clock) : false;
    return [...controllers(facts.lease, renewed), ...judgeCluster(facts), ...denied];
  });
  print(io, findings, found, flags);
  tellNext(io, found);
  return found.some(({ state }) => state === 'fault') ? exitCodes.failed : exitCodes.done;
};

const lookEveryMs = 500;

/** Whether the Lease changes within its own duration: clocks of this machine and of the cluster may differ. */
async function isRenewed(cluster: Cluster, seen: LeaseSeen, clock: Clock): Promise<boolean> {
  const end = clock.monotonic() + seen.leaseDurationSeconds * 1000;
  while (clock.monotonic() < end) {
    await clock.sleep(lookEveryMs);
    const now = await readLease(cluster);
    if (now?.holderIdentity && now.renewTime !== seen.renewTime) return true;
  }
  return false;
}
