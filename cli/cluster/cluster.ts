import { z } from 'zod';
import { createKubeClient, type KubeClient } from '../../k8s/client.ts';
import { hasStatus } from '../../k8s/kube-error.ts';
import { loadPersonalKubeConfig } from '../../k8s/kubeconfig.ts';
import { GodwitError } from '../../lib/errors.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import type { Io } from '../io.ts';

/** What people type in a cluster. */
export const clusterProgram = 'kubectl godwit';

/** Flags of every verb that talks to the API server; kubectl's own. */
export const clusterFlags = {
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
  namespace: z.string().optional(),
};
export type ClusterFlags = z.output<z.ZodObject<typeof clusterFlags>>;

/** A cluster as a person sees it. */
export interface Cluster {
  client: KubeClient;
  /** That was asked for, else that of the context. */
  namespace: string;
  log: Logger;
}

/** @throws E_CONFIG, E_SETUP, E_INPUT for what the API server holds to be wrong, E_KUBERNETES */
export async function withCluster<T>(flags: ClusterFlags, io: Io, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { config, namespace, server } = loadPersonalKubeConfig({
    path: flags.kubeconfig,
    context: flags.context,
    env: io.env,
  });
  const log = createLogger('godwit', { level: io.env.GODWIT_LOG_LEVEL ?? 'error' });
  try {
    return await use({ client: createKubeClient(config), namespace: flags.namespace ?? namespace, log });
  } catch (error) {
    throw explain(error, server);
  }
}

function explain(error: unknown, server: string): unknown {
  const details = (next: string) => ({ cause: error, next });
  if (hasStatus(error, 0))
    return new GodwitError(
      'E_KUBERNETES',
      `the API server at ${server} does not answer: ${error.message}`,
      details('kubectl version'),
    );
  if (hasStatus(error, 401))
    return new GodwitError('E_KUBERNETES', error.message, details('kubectl auth whoami tells who you are'));
  // so it answers for a kind that it does not know, or for a whole group
  if (hasStatus(error, 404) && /could not find the requested resource|page not found/.test(error.message))
    return new GodwitError(
      'E_SETUP',
      `${error.message}: Godwit's definitions are not installed in this cluster`,
      details(`${clusterProgram} doctor`),
    );
  if (hasStatus(error, 400, 422)) return new GodwitError('E_INPUT', error.message, { cause: error });
  return error;
}
