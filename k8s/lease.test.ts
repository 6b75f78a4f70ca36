import { describe, expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import type { KubeClient } from './client.ts';
import { refusalOf } from './kube-error.ts';
import { createKubeLease, leaseObjects } from './lease.ts';
import type { KubeObject } from './objects/meta.ts';

const namespace = 'godwit-system';
const leaseMs = 3000;

/** One Lease object with compare-and-set, as the API server keeps it. */
function server() {
  let stored: KubeObject | undefined;
  let version = 100;
  const put = (body: object): KubeObject => {
    version += 7;
    const given = body as KubeObject;
    stored = { ...given, metadata: { ...given.metadata, uid: 'u', resourceVersion: String(version) } };
    return stored;
  };
  const refuse = (reason: string) => refusalOf('writing', 409, JSON.stringify({ reason, message: reason }));
  const client: Partial<KubeClient> = {
    get: async () => stored,
    create: async (_, body) => {
      if (stored) throw refuse('AlreadyExists');
      return put(body);
    },
    replace: async (_, body) => {
      if ((body.metadata as { resourceVersion?: string }).resourceVersion !== stored?.metadata.resourceVersion)
        throw refuse('Conflict');
      return put(body);
    },
  };
  return {
    client: client as KubeClient,
    spec: () => stored?.spec as Record<string, unknown>,
    remove: () => {
      stored = undefined;
    },
  };
}

/** Time that its sleepers move: each sleep ends at once, and the time is later by as much. */
function quickClock(): Clock & { pass(ms: number): void } {
  let now = Date.parse('2026-11-21T10:00:00.5Z');
  return {
    now: () => now,
    monotonic: () => now,
    pass: (ms) => {
      now += ms;
    },
    sleep: async (ms) => {
      now += ms;
    },
  };
}

describe('lease objects', () => {
  test('say to kubectl who leads since when, and to us the epoch', async () => {
    const { client, spec } = server();
    const clock = quickClock();
    const store = leaseObjects(client, { namespace, leaseMs, clock });
    expect(await store.get('godwit-controller')).toBeUndefined();
    const first = await store.create('godwit-controller', { holder: 'a', epoch: 1, renewals: 0 });
    clock.pass(1000);
    const second = await store.update('godwit-controller', { holder: 'a', epoch: 1, renewals: 1 }, first);
    expect(spec()).toEqual({
      holderIdentity: 'a',
      leaseTransitions: 0,
      leaseDurationSeconds: 3,
      acquireTime: '2026-11-21T10:00:00.500000Z',
      renewTime: '2026-11-21T10:00:01.500000Z',
    });
    const value = { holder: 'a', epoch: 1, renewals: 0 };
    expect(await store.get('godwit-controller')).toEqual({ key: 'godwit-controller', value, revision: second });
  });

  test('a write of an older version, or of one that exists, is a conflict', async () => {
    const { client } = server();
    const store = leaseObjects(client, { namespace, leaseMs, clock: quickClock() });
    const value = { holder: 'a', epoch: 1, renewals: 0 };
    const first = await store.create('x', value);
    await store.update('x', value, first);
    await expect(store.update('x', value, first)).rejects.toMatchObject({ code: 'E_CONFLICT' });
    await expect(store.create('x', value)).rejects.toMatchObject({ code: 'E_CONFLICT' });
  });
});

describe('leader election', () => {
  /** Runs one candidate until it leads, and returns its epoch. */
  const lead = async (
    candidate: string,
    shared: ReturnType<typeof server>,
    clock: Clock,
    floor = 0,
  ): Promise<number> => {
    const controller = new AbortController();
    const log = createLogger('test', { level: 'silent' });
    const lease = createKubeLease({
      ...{ client: shared.client, namespace, name: 'godwit-controller', holder: candidate, leaseMs },
      ...{ epochFloor: () => floor, clock, log },
    });
    let epoch = 0;
    const onLead = (term: number): void => {
      epoch = term;
      controller.abort();
    };
    await lease.run({ mayLead: () => true, onLead, signal: controller.signal });
    return epoch;
  };

  test('each term has a higher epoch, though the holder stays the same and the object is deleted', async () => {
    const shared = server();
    const clock = quickClock();
    expect(await lead('a', shared, clock)).toBe(1);
    expect(await lead('a', shared, clock)).toBe(2);
    expect(await lead('b', shared, clock)).toBe(3);
    expect(shared.spec().leaseTransitions).toBe(2);
    shared.remove();
    expect(await lead('b', shared, clock, 3)).toBe(4);
  });

  test('a holder that is silent is waited for, by the own clock, whatever time it has written', async () => {
    const shared = server();
    const clock = quickClock();
    const store = leaseObjects(shared.client, { namespace, leaseMs, clock: { ...clock, now: () => 0 } });
    await store.create('godwit-controller', { holder: 'dead', epoch: 4, renewals: 0 });
    const began = clock.monotonic();
    expect(await lead('b', shared, clock)).toBe(5);
    expect(clock.monotonic() - began).toBeGreaterThanOrEqual(leaseMs);
  });
});
