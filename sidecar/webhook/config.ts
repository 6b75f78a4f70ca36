import { parseArgs } from 'node:util';
import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import { readYaml } from '../../lib/node-config.ts';
import { parseAs } from '../../lib/parse.ts';

/** `webhook.yaml`: the admission webhook that puts sidecars into pods. */
const webhookConfigSchema = z.strictObject({
  /** By default KUBECONFIG, else the pod's own account. */
  kubeconfig: z.string().optional(),
  /** Of the service, of the Secret with the certificates, and of the settings. */
  namespace: nameSchema.default('godwit-system'),
  /** Name of the Service by which the API server comes; the Secret has it as well. */
  service: nameSchema.default('godwit-webhook'),
  /** Name of the MutatingWebhookConfiguration, which is told whom to trust. */
  configuration: nameSchema.default('inject.godwit.dev'),
  listen: z
    .strictObject({ host: z.string().default('0.0.0.0'), port: z.number().int().min(1).max(65535).default(8443) })
    .default({ host: '0.0.0.0', port: 8443 }),
  authorityDays: z.number().int().min(3).default(365),
  servingDays: z.number().int().min(1).default(30),
  /** How often certificates are looked at. */
  lookEveryMs: z.number().int().min(100).default(30_000),
});
export type WebhookConfig = z.infer<typeof webhookConfigSchema>;

/** Reads `--config`, or takes the defaults without it, and KUBECONFIG. @throws E_CONFIG */
export async function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<WebhookConfig> {
  const path = configPath(argv);
  const content = path === undefined ? {} : await readYaml(path);
  const config = parseAs(webhookConfigSchema, content ?? {}, path ?? 'defaults', 'E_CONFIG');
  return { ...config, kubeconfig: config.kubeconfig ?? (env.KUBECONFIG || undefined) };
}

function configPath(argv: readonly string[]): string | undefined {
  try {
    return parseArgs({ args: [...argv], options: { config: { type: 'string' } } }).values.config;
  } catch (error) {
    throw new GodwitError('E_CONFIG', messageOf(error), { cause: error, next: 'usage: webhook [--config FILE]' });
  }
}
