import { z } from 'zod';
import type { KubeClient } from '../../k8s/client.ts';
import { hasStatus } from '../../k8s/kube-error.ts';
import { kubeObjectSchema } from '../../k8s/objects/meta.ts';
import { resources } from '../../k8s/resource.ts';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseAs } from '../../lib/parse.ts';
import { dueOf, type Held, type Lifetimes, renewed } from './certificates.ts';
import { heldOf, secretOf } from './secret.ts';

/** The API server takes up to this long to trust whom it is told to trust. */
const settleMs = 3000;

export interface KeeperOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'patch'>;
  secret: { namespace: string; name: string };
  /** Name of the MutatingWebhookConfiguration. */
  configuration: string;
  /** DNS name by which the API server comes. */
  serverName: string;
  lifetimes: Lifetimes;
  lookEveryMs: number;
  /** Serves with this certificate from now on. */
  use(held: Held): void;
  clock: Clock;
  log: Logger;
}

const configurationSchema = kubeObjectSchema.extend({
  webhooks: z.array(z.looseObject({ clientConfig: z.looseObject({ caBundle: z.string().optional() }) })),
});

/** Keeps authority and certificate in a Secret, made anew in time; several processes share what one of them has made. */
export function createKeeper(options: KeeperOptions) {
  const { client, secret, serverName, clock, log } = options;
  let inUse: Held | undefined;

  const trust = async (held: Held): Promise<void> => {
    const key = { name: options.configuration };
    const found = await client.get(resources.mutatingWebhooks, key);
    if (!found) throw new GodwitError('E_SETUP', `there is no MutatingWebhookConfiguration ${key.name}`);
    const { webhooks, metadata } = parseAs(configurationSchema, found, 'MutatingWebhookConfiguration');
    const wanted = Buffer.from(held.bundle).toString('base64');
    if (webhooks.every(({ clientConfig }) => clientConfig.caBundle === wanted)) return;
    const test = { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion };
    const told = webhooks.map((_, n) => ({ op: 'add', path: `/webhooks/${n}/clientConfig/caBundle`, value: wanted }));
    await client.patch(resources.mutatingWebhooks, key, { kind: 'json', operations: [test, ...told] });
    log.info('the API server is told whom to trust');
    if (inUse && inUse.bundle !== held.bundle) await clock.sleep(settleMs);
  };

  /** What holds now, made or renewed if that is due; undefined when another process was quicker. */
  const current = async (): Promise<Held | undefined> => {
    const found = await client.get(resources.secrets, secret);
    const held = found && heldOf(found);
    const due = dueOf(held, serverName, clock.now());
    if (due === 'nothing') return held;
    const next = await renewed(held, due, serverName, options.lifetimes, clock);
    const object = secretOf(next, secret, found?.metadata.resourceVersion);
    try {
      await (found ? client.replace(resources.secrets, object) : client.create(resources.secrets, object));
    } catch (error) {
      if (hasStatus(error, 409)) return undefined;
      throw error;
    }
    log.info({ made: due }, 'certificates made');
    return next;
  };

  const look = async (): Promise<void> => {
    const held = (await current()) ?? (await current());
    if (!held) return;
    await trust(held);
    if (inUse?.certificate === held.certificate) return;
    options.use(held);
    inUse = held;
    log.info('serving with a new certificate');
  };

  return {
    /** Looks at once and again and again until `signal` is aborted; what fails is tried again. */
    run: async ({ signal }: { signal: AbortSignal }): Promise<void> => {
      while (!signal.aborted) {
        const found = await look().then(
          () => true,
          (error: unknown) => {
            log.warn({ err: error }, 'certificates can not be looked after; trying again');
            return false;
          },
        );
        await clock
          .sleep(found ? options.lookEveryMs : Math.min(options.lookEveryMs, 1000), { signal })
          .catch(() => undefined);
      }
    },
  };
}
