import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { GodwitError, messageOf } from '../lib/errors.ts';

/** @throws E_CONFIG */
export function loadKubeConfig(path: string): KubeConfig {
  const config = readKubeConfig(path);
  if (!config.getCurrentCluster()) throw new GodwitError('E_CONFIG', `kubeconfig ${path}: names no current cluster`);
  return config;
}

function readKubeConfig(path: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (path === undefined) config.loadFromCluster();
    else config.loadFromFile(path);
  } catch (error) {
    throw new GodwitError('E_CONFIG', `kubeconfig ${path ?? 'of the pod'}: ${messageOf(error)}`, { cause: error });
  }
  return config;
}

export interface PersonalKubeConfig {
  config: KubeConfig;
  /** Of the context; `default` where it names none. */
  namespace: string;
  /** URL of the API server. */
  server: string;
}

export interface PersonalOptions {
  /** A file, instead of KUBECONFIG, `~/.kube/config` and the pod's own account, which are tried in this order. */
  path?: string | undefined;
  /** By default the current one. */
  context?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

/** As kubectl finds it. @throws E_CONFIG, E_SETUP where there is none */
export function loadPersonalKubeConfig({ path, context, env }: PersonalOptions): PersonalKubeConfig {
  const config = merged(filesOf(path, env).map(readKubeConfig));
  if (context !== undefined) config.setCurrentContext(context);
  const chosen = config.getContextObject(config.getCurrentContext());
  const cluster = config.getCurrentCluster();
  if (chosen && cluster) return { config, namespace: chosen.namespace ?? 'default', server: cluster.server };
  const names = config.getContexts().map(({ name }) => name);
  throw new GodwitError(
    'E_CONFIG',
    `kubeconfig: there is no context ${JSON.stringify(config.getCurrentContext())} with a cluster; there are ${names.join(', ')}`,
    { next: 'kubectl config get-contexts' },
  );
}

/** The files; undefined stands for the pod's own account. */
function filesOf(path: string | undefined, env: PersonalOptions['env']): (string | undefined)[] {
  if (path) return [path];
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter(Boolean);
  const files = (named.length > 0 ? named : [join(env.HOME ?? '/', '.kube/config')]).filter((file) => existsSync(file));
  if (files.length > 0) return files;
  if (env.KUBERNETES_SERVICE_HOST && named.length === 0) return [undefined];
  throw new GodwitError('E_SETUP', `there is no kubeconfig: ${named.join(', ') || '~/.kube/config'} does not exist`, {
    next: 'name one with --kubeconfig or KUBECONFIG',
  });
}

/** Of things of one name, and of current contexts, the first file's count. */
function merged([first, ...rest]: readonly KubeConfig[]): KubeConfig {
  const config = first ?? new KubeConfig();
  for (const next of rest) {
    for (const one of fresh(next.getClusters(), config.getClusters())) config.addCluster(one);
    for (const one of fresh(next.getUsers(), config.getUsers())) config.addUser(one);
    for (const one of fresh(next.getContexts(), config.getContexts())) config.addContext(one);
    if (!config.getCurrentContext()) config.setCurrentContext(next.getCurrentContext());
  }
  return config;
}

const fresh = <T extends { name: string }>(more: readonly T[], known: readonly T[]): T[] =>
  more.filter(({ name }) => !known.some((one) => one.name === name));
