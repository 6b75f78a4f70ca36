import type { RequestOptions } from 'node:https';
import { systemClock } from '../lib/clock.ts';
import { podAccount } from './pod-account.ts';

/** Where the API server is, and with what it is asked. A KubeConfig of the library is one. */
export interface ApiAccess {
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string | undefined } | null;
  /** Adds what the connection and the request need. */
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
}

/**
 * By a kubeconfig file, or as the pod's own account. Only a file needs the library, whose classes for all kinds of the API take 70 MiB.
 * @throws E_CONFIG
 */
export async function apiAccess(kubeconfig: string | undefined): Promise<ApiAccess> {
  if (kubeconfig === undefined) return podAccount({ env: process.env, clock: systemClock });
  const { loadKubeConfig } = await import('./kubeconfig.ts');
  return loadKubeConfig(kubeconfig);
}
