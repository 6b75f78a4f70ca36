import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { GodwitError } from '../lib/errors.ts';
import { createLease, type Lease, type LeaseStore, type LeaseValue } from '../lib/lease.ts';
import type { Logger } from '../lib/logger.ts';
import { parseAs } from '../lib/parse.ts';
import type { KubeClient } from './client.ts';
import { hasStatus } from './kube-error.ts';
import { kubeObjectSchema, microTime } from './objects/meta.ts';
import { resources } from './resource.ts';

const leaseObjectSchema = kubeObjectSchema.extend({
  spec: z.object({ holderIdentity: z.string().optional(), leaseTransitions: z.number().int().optional() }).optional(),
});

export interface KubeLeaseOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  /** Unique per process. */
  holder: string;
  leaseMs: number;
  /** Highest epoch ever seen: a Lease that was deleted must not bring old terms back. */
  epochFloor(): number;
  clock: Clock;
  log: Logger;
}

/** Leader election on a Lease object of coordination.k8s.io; the epoch is its `leaseTransitions` + 1. */
export function createKubeLease(options: KubeLeaseOptions): Lease {
  const { client, namespace, name, leaseMs, clock } = options;
  return createLease({ ...options, key: name, store: leaseObjects(client, { namespace, leaseMs, clock }) });
}

/**
 * Lease objects as what the election keeps. Revisions are resource versions: decimal numbers by contract since Kubernetes 1.35, and in
 * fact before. @throws E_CONFLICT
 */
export function leaseObjects(
  client: KubeClient,
  { namespace, leaseMs, clock }: { namespace: string; leaseMs: number; clock: Clock },
): LeaseStore {
  let acquired: { epoch: number; at: string } | undefined;
  const bodyOf = (name: string, { holder, epoch }: LeaseValue, resourceVersion?: string) => {
    const now = microTime(clock.now());
    if (acquired?.epoch !== epoch) acquired = { epoch, at: now };
    return {
      metadata: { name, namespace, ...(resourceVersion !== undefined && { resourceVersion }) },
      spec: {
        holderIdentity: holder,
        leaseTransitions: epoch - 1,
        leaseDurationSeconds: Math.ceil(leaseMs / 1000),
        acquireTime: acquired.at,
        renewTime: now,
      },
    };
  };
  return {
    get: async (name) => {
      const found = await client.get(resources.leases, { namespace, name });
      if (!found) return undefined;
      const { metadata, spec } = parseAs(leaseObjectSchema, found, `Lease ${namespace}/${name}`);
      const value = { holder: spec?.holderIdentity ?? '', epoch: (spec?.leaseTransitions ?? 0) + 1, renewals: 0 };
      return { key: name, value, revision: Number(metadata.resourceVersion) };
    },
    create: async (name, value) => {
      try {
        return revisionOf(await client.create(resources.leases, bodyOf(name, value)));
      } catch (error) {
        if (hasStatus(error, 409)) throw new GodwitError('E_CONFLICT', error.message, { cause: error });
        throw error;
      }
    },
    update: async (name, value, revision) =>
      revisionOf(await client.replace(resources.leases, bodyOf(name, value, String(revision)))),
  };
}

const revisionOf = (object: unknown): number =>
  Number(parseAs(leaseObjectSchema, object, 'Lease').metadata.resourceVersion);
