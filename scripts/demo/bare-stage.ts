import { fleetUp } from '../../lab/fleet.ts';
import { labExec } from '../../lab/lab.ts';
import { nodes } from './cast.ts';
import type { Stage, StageOptions } from './stage.ts';

/** Three bare nodes; each part has an address of its own, which moves with it. */
export async function raiseBare({ lab, bundles, policy, tell }: StageOptions): Promise<Stage> {
  tell(
    'raising three nodes: hub, edge-1 (1 core), cloud-1 (2 cores); each with its own namespaces, NATS, monitor, migrator',
  );
  const spec = { name: lab, nodes: [...nodes], binds: [{ source: bundles, target: '/opt/bundles' }] };
  const fleet = await fleetUp({ ...spec, policy, nodeConfig: { monitor: { intervalMs: 500 } } });
  const subnet = fleet.lab.subnet.replace(/\.0\/24$/, '');
  return {
    fleet,
    monitored: 'edge-1',
    start: async ({ name, app, keeps, env, host }) => {
      const address = `${subnet}.${host}`;
      const settings = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
      const how = ['--bundle', `/opt/bundles/${app}`, '--keeps', keeps, '--address', address, ...settings];
      await labExec(lab, 'edge-1', ['godwit', 'run', name, ...how], { timeoutMs: 30_000 });
      return `http://${address}:8080`;
    },
    workloadOf: ({ name }) => name,
    detailsOf: () => Promise.resolve({}),
  };
}
