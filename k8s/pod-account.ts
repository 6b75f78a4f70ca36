import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { GodwitError, messageOf } from '../lib/errors.ts';
import type { ApiAccess } from './access.ts';

/** Where a kubelet puts what its pod's account needs. kubernetes.io/docs/tasks/run-application/access-api-from-pod */
const usualFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet renews the token long before it ends; client-go looks as often. */
const readAgainMs = 60_000;

export interface PodAccountOptions {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: address of the API server. */
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  folder?: string;
}

/** The account of the pod that this process runs in. @throws E_CONFIG outside of a pod, or in one without an account */
export async function podAccount({ env, clock, folder = usualFolder }: PodAccountOptions): Promise<ApiAccess> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port)
    throw new GodwitError(
      'E_CONFIG',
      'there is no kubeconfig, and this is no pod: KUBERNETES_SERVICE_HOST is not set',
      {
        next: 'name a kubeconfig in the configuration, or by KUBECONFIG',
      },
    );
  const read = async (): Promise<{ ca: string; token: string; at: number }> => {
    const [ca, token] = await Promise.all(['ca.crt', 'token'].map((name) => readFile(join(folder, name), 'utf8')));
    return { ca: ca ?? '', token: (token ?? '').trim(), at: clock.monotonic() };
  };
  let known = await read().catch((error: unknown) => {
    throw new GodwitError('E_CONFIG', `the pod's account can not be read: ${messageOf(error)}`, {
      cause: error,
      next: 'does its ServiceAccount, or the pod, say automountServiceAccountToken: false?',
    });
  });
  return {
    getCurrentCluster: () => ({ server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}` }),
    applyToHTTPSOptions: async (options) => {
      if (clock.monotonic() - known.at > readAgainMs) known = await read();
      options.ca = known.ca;
      options.headers = { ...options.headers, authorization: `Bearer ${known.token}` };
    },
  };
}
