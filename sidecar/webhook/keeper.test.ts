import { X509Certificate } from 'node:crypto';
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { KubeError } from '../../k8s/kube-error.ts';
import type { KubeObject } from '../../k8s/objects/meta.ts';
import { resources } from '../../k8s/resource.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Held } from './certificates.ts';
import { createKeeper, type KeeperOptions } from './keeper.ts';
import { heldOf } from './secret.ts';

const serverName = 'godwit-webhook.godwit-system.svc';
const dayMs = 86_400_000;
let nowMs = 0;
let version = 0;
let secret: KubeObject | undefined;
let trusted: string | undefined;

beforeEach(() => {
  nowMs = Date.parse('2030-01-01T00:00:00Z');
  version = 0;
  secret = undefined;
  trusted = undefined;
});

const conflict = (): KubeError => new KubeError('conflict', { status: 409, reason: 'Conflict' });
const metadata = (name: string) => ({ name, uid: name, resourceVersion: String(version) });

/** The API as far as it is asked, with its compare-and-set. */
const client: KeeperOptions['client'] = {
  get: async ({ kind }, { name }) => {
    if (kind === resources.secrets.kind) return secret;
    const webhooks = [{ name: 'inject', clientConfig: { ...(trusted !== undefined && { caBundle: trusted }) } }];
    return { metadata: metadata(name), webhooks };
  },
  create: async (_, object) => {
    if (secret) throw conflict();
    version++;
    secret = { ...object, metadata: metadata(object.metadata.name) };
    return secret;
  },
  replace: async (_, object) => {
    const { resourceVersion } = object.metadata as { resourceVersion?: string };
    if (resourceVersion !== secret?.metadata.resourceVersion) throw conflict();
    version++;
    secret = { ...object, metadata: metadata(object.metadata.name) };
    return secret;
  },
  patch: async (_, { name }, patch) => {
    if (patch.kind !== 'json') throw new Error('unexpected patch');
    const last = patch.operations.at(-1) as { path: string; value: string };
    expect(last.path).toBe('/webhooks/0/clientConfig/caBundle');
    trusted = last.value;
    return { metadata: metadata(name) };
  },
};

/** Looks once and stops. */
async function look(used: Held[], clientOf = client): Promise<void> {
  const stop = new AbortController();
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async (ms) => {
      if (ms >= 30_000 || ms === 1000) stop.abort();
    },
  };
  const keeper = createKeeper({
    client: clientOf,
    secret: { namespace: 'godwit-system', name: 'godwit-webhook' },
    configuration: 'inject.godwit.dev',
    serverName,
    lifetimes: { authorityDays: 300, servingDays: 30 },
    lookEveryMs: 30_000,
    use: (held) => used.push(held),
    clock,
    log: pino({ level: 'silent' }),
  });
  await keeper.run({ signal: stop.signal });
}

test('the first one makes authority and certificate, and tells the API server whom to trust', async () => {
  const used: Held[] = [];
  await look(used);
  expect(used).toHaveLength(1);
  expect(heldOf(secret as KubeObject)).toEqual(used[0]);
  expect(Buffer.from(trusted ?? '', 'base64').toString()).toBe(used[0]?.bundle);
  await look(used);
  expect(used[1]).toEqual(used[0]);
});

test('what is old is made anew in its time', async () => {
  const used: Held[] = [];
  await look(used);
  nowMs += 21 * dayMs;
  await look(used);
  expect(used[1]?.certificate).not.toBe(used[0]?.certificate);
  expect(used[1]?.bundle).toBe(used[0]?.bundle);
});

test('of two that begin at once, both serve what the quicker one has made', async () => {
  const [quick, slow]: [Held[], Held[]] = [[], []];
  let raced: Promise<void> | undefined;
  let open = true;
  const late: KeeperOptions['client'] = {
    ...client,
    create: async (...args) => {
      if (open) {
        open = false;
        raced = look(quick);
        await raced;
      }
      return client.create(...args);
    },
  };
  await look(slow, late);
  expect(slow).toEqual(quick);
});

test('a damaged Secret is replaced', async () => {
  secret = { metadata: metadata('godwit-webhook'), data: { 'tls.crt': 'eA==' } };
  const used: Held[] = [];
  await look(used);
  expect(new X509Certificate(used[0]?.certificate ?? '').checkHost(serverName)).toBe(serverName);
  expect(heldOf(secret)).toEqual(used[0]);
});
