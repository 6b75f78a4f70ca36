import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { GodwitError, messageOf } from '../lib/errors.ts';
import { loadHubConfig, tlsFiles } from '../lib/node-config.ts';

export interface DeciderConfig {
  servers: string[];
  tls: { ca: string; cert: string; key: string };
  policyFile: string | undefined;
  leaseMs: number;
  metricsPort: number | undefined;
  /** Of the cluster whose pods are the workloads. */
  kubernetes: { kubeconfig: string | undefined } | undefined;
}

/** `--config hub.yaml`, and `--servers URL` where the hub's server runs elsewhere; paths in the file are relative to it. Throws E_CONFIG. */
export async function readConfig(args: readonly string[]): Promise<DeciderConfig> {
  const { path, servers } = flagsOf(args);
  const hub = await loadHubConfig(path);
  const { host, port } = hub.nats.listen;
  const { kubernetes } = hub.decider;
  const within = (file: string | undefined) => (file === undefined ? undefined : resolve(dirname(path), file));
  return {
    servers: servers ?? [`tls://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`],
    tls: tlsFiles(hub.pki, 'decider'),
    policyFile: within(hub.policy),
    leaseMs: hub.decider.leaseMs,
    metricsPort: hub.decider.metricsPort,
    kubernetes: kubernetes && { kubeconfig: within(kubernetes.kubeconfig) },
  };
}

function flagsOf(args: readonly string[]): { path: string; servers: string[] | undefined } {
  const options = { config: { type: 'string' }, servers: { type: 'string', multiple: true } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    if (values.config) return { path: values.config, servers: values.servers };
  } catch (error) {
    throw new GodwitError('E_CONFIG', messageOf(error), { cause: error });
  }
  throw new GodwitError('E_CONFIG', '--config: expected the path of hub.yaml');
}
