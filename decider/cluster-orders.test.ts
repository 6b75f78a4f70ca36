import { describe, expect, test } from 'vitest';
import { KubeError } from '../k8s/kube-error.ts';
import { migrationSchema } from '../k8s/objects/migration.ts';
import { clusterOrders } from './cluster-orders.ts';
import { decidedMove, start } from './fixtures.ts';
import { commandOf } from './pipeline/verdict.ts';

const decision = { ...decidedMove, pod: { namespace: 'shop', name: 'trainer-1' } };
const command = commandOf(decision, { epoch: 4 }, 60_000);
if (!command) throw new Error('no command');

const answering = (status: number, reason = '') => {
  const created: object[] = [];
  const create = async (_: unknown, object: object) => {
    created.push(object);
    if (status === 0 || status >= 300) throw new KubeError(`creating: ${reason}`, { status, reason });
  };
  return { created, orders: clusterOrders({ create }) };
};

describe('orders in a cluster', () => {
  test('are Migration objects, named by the id that the decision has given', async () => {
    const { created, orders } = answering(201);
    await orders.place(command, decision);
    const made = { uid: 'u', resourceVersion: '1' };
    const [object = {}] = created as { metadata?: object }[];
    expect(migrationSchema.parse({ ...object, metadata: { ...object.metadata, ...made } })).toEqual({
      metadata: { name: 'm-1', namespace: 'shop', ...made },
      spec: {
        pod: 'trainer-1',
        target: 'cloud-1',
        strategy: 'auto',
        trigger: 'overload',
        decision: 'd-1',
        id: 'm-1',
        expiresAt: new Date(start + 60_000).toISOString(),
      },
    });
  });

  test('are the same when repeated', async () => {
    const { orders } = answering(409, 'AlreadyExists');
    await expect(orders.place(command, decision)).resolves.toBeUndefined();
  });

  test.each([
    [0, 'E_KUBERNETES'],
    [403, 'E_KUBERNETES'],
    [500, 'E_KUBERNETES'],
    [404, 'E_REFUSED'],
    [422, 'E_REFUSED'],
  ])('that are answered by %i fail with %s', async (status, code) => {
    const { orders } = answering(status);
    await expect(orders.place(command, decision)).rejects.toMatchObject({ code });
  });

  test('are refused for what is no pod', async () => {
    const { created, orders } = answering(201);
    await expect(orders.place(command, decidedMove)).rejects.toMatchObject({ code: 'E_REFUSED' });
    expect(created).toEqual([]);
  });
});
