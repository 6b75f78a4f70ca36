import { parseArgs } from 'node:util';
import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import { parseAs } from '../../lib/parse.ts';

/** What a sidecar is told of its pod, by the downward API. */
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

/** E_CONFIG with the faulty flag, or all faulty variables. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): SidecarConfig {
  return { ...parseAs(podSchema, env, 'environment', 'E_CONFIG'), ...flagsOf(args) };
}

function flagsOf(args: readonly string[]): Pick<SidecarConfig, 'folder' | 'cgroup'> {
  const options = {
    folder: { type: 'string', default: '/run/godwit/sidecar' },
    cgroup: { type: 'string', default: '/host/cgroup' },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new GodwitError('E_CONFIG', messageOf(error), {
      cause: error,
      next: 'usage: sidecar [--folder FOLDER] [--cgroup FOLDER]',
    });
  }
}
