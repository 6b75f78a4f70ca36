import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { nameSchema } from '../lib/contract/names.ts';
import { GodwitError, messageOf } from '../lib/errors.ts';
import { readYaml } from '../lib/node-config.ts';
import { parseAs } from '../lib/parse.ts';

/** Namespace of the product, unless it is configured otherwise. */
export const systemNamespace = 'godwit-system';
/** Lease of the process that leads. */
export const leaseName = 'godwit-controller';

/** `controller.yaml`: the process of the cluster's controllers. Paths are relative to the file. */
const controllerConfigSchema = z.strictObject({
  /** By default KUBECONFIG, else the pod's own account. */
  kubeconfig: z.string().optional(),
  /** Namespace of the product, and of the leader's Lease. */
  namespace: nameSchema.default(systemNamespace),
  nats: z.strictObject({
    servers: z.array(z.string()).min(1),
    /** Folder with ca.crt, controller.crt and controller.key. */
    pki: z.string().default('.'),
  }),
  /** Repository for checkpoints, such as `registry.example/godwit/checkpoints`: pods without RuntimeClass godwit move through it. */
  checkpoints: z
    .string()
    .regex(/^[a-zA-Z0-9.-]+(:\d+)?\/[a-z0-9._/-]+$/, 'expected HOST/NAME, without a tag')
    .optional(),
  /** A standby takes over when the leader has been silent for this long. */
  leaseMs: z.number().int().min(1000).default(10_000),
  metrics: z
    .strictObject({ port: z.number().int().min(1).max(65535), host: z.string().default('127.0.0.1') })
    .optional(),
});

export type ControllerConfig = z.infer<typeof controllerConfigSchema>;

/** Reads `--config` (default /etc/godwit/controller.yaml) and KUBECONFIG. @throws E_CONFIG */
export async function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<ControllerConfig> {
  const path = configPath(argv);
  const config = parseAs(controllerConfigSchema, await readYaml(path), path, 'E_CONFIG');
  const within = (file: string): string => resolve(dirname(path), file);
  const kubeconfig = config.kubeconfig === undefined ? env.KUBECONFIG || undefined : within(config.kubeconfig);
  return {
    ...config,
    kubeconfig,
    nats: { ...config.nats, pki: within(config.nats.pki) },
  };
}

function configPath(argv: readonly string[]): string {
  try {
    const options = { config: { type: 'string', default: '/etc/godwit/controller.yaml' } } as const;
    return parseArgs({ args: [...argv], options }).values.config;
  } catch (error) {
    throw new GodwitError('E_CONFIG', messageOf(error), { cause: error });
  }
}
