import { parseArgs } from 'node:util';
import { z } from 'zod';
import { nameSchema } from '../lib/contract/names.ts';
import { GodwitError, messageOf } from '../lib/errors.ts';
import { loadNodeConfig, type NodeConfig } from '../lib/node-config.ts';
import { parseAs } from '../lib/parse.ts';

const usage = 'usage: monitor --config FILE, or in a pod: monitor --sidecar FOLDER [--cgroup FOLDER]';

/** What a sidecar knows of its pod, by the downward API. */
const podSchema = z
  .object({
    GODWIT_POD_UID: z.string().regex(/^[-A-Za-z0-9]+$/, 'the uid of a pod'),
    GODWIT_POD_NAMESPACE: nameSchema,
    GODWIT_POD_NAME: nameSchema,
    /** The annotation godwit.dev/workload; empty where there is none. */
    GODWIT_WORKLOAD: z.union([z.literal(''), nameSchema]).default(''),
  })
  .transform((env) => ({
    uid: env.GODWIT_POD_UID,
    workload: env.GODWIT_WORKLOAD || `${env.GODWIT_POD_NAMESPACE}.${env.GODWIT_POD_NAME}`,
  }));

export interface SidecarConfig {
  uid: string;
  workload: string;
  /** Where the node's monitor hands out what a sidecar needs. */
  folder: string;
  /** Where the node's /sys/fs/cgroup is seen. */
  cgroup: string;
}

/** What this process is: a node's monitor by its file, or a pod's sidecar. */
export type Config = { node: NodeConfig } | { sidecar: SidecarConfig };

/** E_CONFIG with the faulty flag, or the paths of the faulty fields or variables. */
export async function readConfig(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Config> {
  const { config, sidecar: folder, cgroup } = flagsOf(args);
  if (folder === undefined) return { node: await loadNodeConfig(config) };
  return { sidecar: { ...parseAs(podSchema, env, 'environment', 'E_CONFIG'), folder, cgroup } };
}

function flagsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', default: '/etc/godwit/node.yaml' },
        sidecar: { type: 'string' },
        cgroup: { type: 'string', default: '/host/cgroup' },
      },
    }).values;
  } catch (error) {
    throw new GodwitError('E_CONFIG', messageOf(error), { cause: error, next: usage });
  }
}
