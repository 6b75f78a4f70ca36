import { setTimeout as delay } from 'node:timers/promises';
import { labExec } from '../../lab/lab.ts';
import type { Logger } from '../../lib/logger.ts';
import { untilAnswers, watchHoles } from '../migration/hole.ts';
import { moveTo } from '../migration/mover.ts';
import type { Path } from './path.ts';
import type { Side } from './stage.ts';

/** The same program under `godwit run`, there and back between two nodes without Kubernetes, by the same agents. */
export function bareEngine({ lab, network, connection }: Side, log: Logger): Path {
  const address = `${network}.150`;
  const url = `http://${address}:8080/self`;
  let name = '';
  let node = 'edge-1';
  return {
    name: 'bare',
    start: async (mib) => {
      name = `counter-${mib}`;
      node = 'edge-1';
      const bundle = ['--bundle', '/opt/bundles/counter', '--address', address, '--env', `MIB=${mib}`];
      await labExec(lab, node, ['godwit', 'run', name, ...bundle], { timeoutMs: 60_000 });
      await untilAnswers(url, 60_000);
    },
    move: async () => {
      const target = node === 'edge-1' ? 'cloud-1' : 'edge-1';
      const client = await watchHoles(url);
      await delay(500);
      const before = client.take();
      const { measurements = {} } = await moveTo(connection, name, target, log);
      await delay(500);
      const { holeMs, nonce } = client.take();
      await client.stop();
      if (nonce !== before.nonce) throw new Error(`${name} is another process after the move`);
      node = target;
      const { freezeMs = Number.NaN, totalMs = Number.NaN } = measurements;
      return { freezeMs, downtimeMs: holeMs, totalMs };
    },
    stop: async () => {
      await labExec(lab, node, ['godwit', 'rm', name], { timeoutMs: 60_000 });
    },
  };
}
