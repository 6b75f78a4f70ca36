import { nameSchema } from '../../lib/contract/names.ts';
import type { Workload } from '../../lib/contract/node.ts';
import type { Container } from '../engine/container.ts';
import type { Managed } from './store.ts';

/** How the node's record shows a workload; `managed` is absent for a container that somebody else's runc started. Pure. */
export function describeWorkload(
  container: Container,
  managed: Managed | undefined,
  node: string,
  obstacle: string | undefined,
): Workload | undefined {
  if (!nameSchema.safeParse(container.id).success) return undefined;
  const spec = managed?.spec;
  return {
    name: container.id,
    image: spec?.image ?? 'unmanaged',
    keeps: spec?.keeps ?? 'memory',
    strategy: spec?.strategy ?? 'auto',
    migrate: spec?.migrate ?? true,
    home: spec?.home ?? node,
    priority: spec?.priority ?? 0,
    startedAt: spec?.startedAt ?? container.createdAt,
    ...(obstacle !== undefined && { obstacle }),
    ...(spec?.address !== undefined && { address: spec.address }),
    ...(spec?.requestedCores !== undefined && { requestedCores: spec.requestedCores }),
    ...(spec?.requestedMemoryBytes !== undefined && { requestedMemoryBytes: spec.requestedMemoryBytes }),
  };
}
