import { KubeConfig } from '@kubernetes/client-node';
import { GodwitError, messageOf } from '../lib/errors.ts';

/** From a kubeconfig file, or from the pod's own account. @throws E_CONFIG */
export function loadKubeConfig(path: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (path === undefined) config.loadFromCluster();
    else config.loadFromFile(path);
  } catch (error) {
    throw new GodwitError('E_CONFIG', `kubeconfig ${path ?? 'of the pod'}: ${messageOf(error)}`, { cause: error });
  }
  if (!config.getCurrentCluster())
    throw new GodwitError('E_CONFIG', `kubeconfig ${path ?? 'of the pod'}: names no current cluster`);
  return config;
}
