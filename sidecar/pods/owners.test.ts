import { describe, expect, test } from 'vitest';
import { type FindOwner, type Owner, ownerSchema, ownersOf } from './owners.ts';

const reference = (kind: string, name: string, group = 'apps', more: object = {}) => ({
  apiVersion: `${group}/v1`,
  kind,
  name,
  uid: `uid-${name}`,
  controller: true,
  ...more,
});
const owner = (name: string, annotations: Record<string, string>, above?: object): Owner =>
  ownerSchema.parse({
    metadata: {
      ...{ name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '1', annotations },
      ...(above && { ownerReferences: [above] }),
    },
  });
const finding =
  (known: Record<string, Owner>): FindOwner =>
  (kind, { namespace, name }) =>
    known[`${kind} ${namespace}/${name}`];
const under = (...ownerReferences: ReturnType<typeof reference>[]) => ({ namespace: 'shop', ownerReferences });

const known = finding({
  'ReplicaSet shop/web-1': owner('web-1', {}, reference('Deployment', 'web')),
  'Deployment shop/web': owner('web', { 'godwit.dev/migrate': 'false', 'kubectl.kubernetes.io/last': '{}' }),
  'Job shop/tidy-1': owner('tidy-1', {}, reference('CronJob', 'tidy', 'batch')),
  'CronJob shop/tidy': owner('tidy', { 'godwit.dev/state': 'nothing' }),
});

describe('owners', () => {
  test('are a ReplicaSet and its Deployment, with our annotations alone', () => {
    expect(ownersOf(under(reference('ReplicaSet', 'web-1')), known)).toEqual({
      levels: [
        { kind: 'ReplicaSet', name: 'web-1', annotations: {} },
        { kind: 'Deployment', name: 'web', annotations: { 'godwit.dev/migrate': 'false' } },
      ],
      uids: ['uid-web-1', 'uid-web'],
      missing: false,
    });
  });

  test('are a Job and its CronJob', () => {
    const { levels } = ownersOf(under(reference('Job', 'tidy-1', 'batch')), known);
    expect(levels.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['Job tidy-1', 'CronJob tidy']);
  });

  test('are told as missing where one has not been seen yet, or is another one of that name', () => {
    const none = ownersOf(under(reference('ReplicaSet', 'web-2')), known);
    expect(none).toEqual({ levels: [], uids: ['uid-web-2'], missing: true });
    const other = ownersOf(under(reference('ReplicaSet', 'web-1', 'apps', { uid: 'uid-older' })), known);
    expect(other).toEqual({ levels: [], uids: ['uid-older'], missing: true });
  });

  test('are none of a kind that is not read, of another group, or that only own it', () => {
    const nothing = { levels: [], uids: [], missing: false };
    expect(ownersOf(under(), known)).toEqual(nothing);
    expect(ownersOf(under(reference('Shop', 'x')), known)).toEqual(nothing);
    expect(ownersOf(under(reference('StatefulSet', 'x', 'apps.kruise.io')), known)).toEqual(nothing);
    expect(ownersOf(under(reference('ReplicaSet', 'web-1', 'apps', { controller: false })), known)).toEqual(nothing);
  });
});
