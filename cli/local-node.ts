import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../lib/clock.ts';
import { GodwitError } from '../lib/errors.ts';
import { systemExec } from '../lib/exec.ts';
import { createKeyedQueue } from '../lib/keyed-queue.ts';
import { createLogger } from '../lib/logger.ts';
import { loadNodeConfig, type NodeConfig } from '../lib/node-config.ts';
import { createAddressMover } from '../migrator/network/address.ts';
import { pathsOf } from '../migrator/paths.ts';
import type { SuperviseDeps } from '../migrator/workloads/supervise.ts';

export interface LocalNode {
  node: NodeConfig;
  deps: SuperviseDeps;
}

/** This machine as a node, by its node.yaml. @throws E_CONFIG */
export async function openLocalNode(
  config: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LocalNode> {
  const given = config ?? env.GODWIT_CONFIG ?? '/etc/godwit';
  const isFolder = await stat(given).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const node = await loadNodeConfig(isFolder ? join(given, 'node.yaml') : given).catch((error: unknown) => {
    if (error instanceof GodwitError && /can not be read/.test(error.message))
      throw new GodwitError('E_CONFIG', `${given} holds no node.yaml: this machine is not a node`, {
        cause: error,
        next: 'godwit pki node NAME writes one; or name its folder with --config',
      });
    throw error;
  });
  const address = createAddressMover(node.network, systemExec);
  const log = createLogger('cli', { level: 'error' });
  return {
    node,
    deps: { paths: pathsOf(node), exec: systemExec, clock: systemClock, log, address, starts: createKeyedQueue() },
  };
}
