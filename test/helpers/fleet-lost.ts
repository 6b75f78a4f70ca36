import { readInNode, type TestFleet } from './fleet.ts';
import { pidsIn } from './fleet-facts.ts';
import type { Gate } from './fleet-gates.ts';
import { signalService } from './fleet-services.ts';
import { until } from './until.ts';

/**
 * From edge-1 to cloud-1: lets the restore begin, and stops its page daemon once the copy is held; the source can not commit before.
 * Resolves with the daemon's process id in the node.
 */
export async function stopDaemon(fleet: TestFleet, gate: Gate, migration: string): Promise<string> {
  const cloud = fleet.node('cloud-1');
  await signalService(fleet, 'edge-1', 'migrator', 'STOP');
  try {
    await gate.lift();
    const held = `run/godwit/migrations/${migration}/held`;
    await until('a held copy', 30_000, async () => (await readInNode(cloud, held)) !== undefined || undefined);
    const [daemon] = await pidsIn(cloud, /^(\S*\/)?criu lazy-pages/);
    if (!daemon) throw new Error('no page daemon');
    await fleet.exec('cloud-1', ['kill', '-STOP', daemon]);
    return daemon;
  } finally {
    await signalService(fleet, 'edge-1', 'migrator', 'CONT');
  }
}
