import type { KubeClient } from '../k8s/client.ts';
import { hasStatus } from '../k8s/kube-error.ts';
import type { MigrationSpec } from '../k8s/objects/migration.ts';
import { resources } from '../k8s/resource.ts';
import type { Decision } from '../lib/contract/decision.ts';
import type { Command } from '../lib/contract/migration.ts';
import { GodwitError, messageOf } from '../lib/errors.ts';
import type { Orders } from './orders.ts';

/** What an API server says for ever: the object does not fit, or there is no such namespace or kind. */
const final = [400, 404, 422];

/**
 * Migration objects, whose controller publishes the commands. The object is named by the migration's id, so that a repeat is a conflict
 * with itself. The decision is stored before: no object is without one, and none has to be looked for when a leader takes over.
 */
export const clusterOrders = (client: Pick<KubeClient, 'create'>): Orders => ({
  afterDecision: true,
  place: async (command, decision) => {
    try {
      await client.create(resources.migrations, migrationOf(command, decision));
    } catch (error) {
      if (hasStatus(error, 409)) return;
      if (hasStatus(error, ...final)) throw new GodwitError('E_REFUSED', messageOf(error), { cause: error });
      throw error;
    }
  },
});

interface NewMigration {
  metadata: { name: string; namespace: string };
  spec: { [field in keyof MigrationSpec]: string };
}

/** The object that stands for a command. @throws E_REFUSED for what is no pod */
function migrationOf(command: Command, { pod }: Decision): NewMigration {
  const { id, workload, source, target, strategy, trigger, decision, expiresAt } = command;
  if (!pod)
    throw new GodwitError(
      'E_REFUSED',
      `${workload} on ${source} is no pod, and this decider moves the pods of a cluster`,
    );
  return {
    metadata: { name: id, namespace: pod.namespace },
    spec: { pod: pod.name, target, strategy, trigger, decision, id, expiresAt: new Date(expiresAt).toISOString() },
  };
}
