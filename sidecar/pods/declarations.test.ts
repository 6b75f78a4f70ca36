import { expect, test } from 'vitest';
import { declareNode } from './declarations.ts';
import { podOf } from './fixtures.ts';
import { ownerSchema } from './owners.ts';

const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-web', controller: true }];
const owned = podOf({ name: 'b', metadata: { ownerReferences } });
const bare = podOf({ name: 'a' });
const replicaSet = ownerSchema.parse({
  metadata: {
    ...{ name: 'web', namespace: 'shop', uid: 'uid-web', resourceVersion: '1' },
    annotations: { 'godwit.dev/migrate': 'false', 'godwit.dev/state': 'all' },
  },
});

test('the pods of a node are declared in order, with what their owners say', () => {
  const { declarations, faults, owners } = declareNode([owned, bare], () => replicaSet);
  expect(declarations.map(({ name, migrate }) => [name, migrate])).toEqual([
    ['shop.a', true],
    ['shop.b', false],
  ]);
  expect(faults).toEqual([
    { pod: owned, fault: expect.stringMatching(/^ReplicaSet web: .*received "all"$/) as string },
  ]);
  expect(owners).toEqual(new Set(['uid-web']));
});

test('a pod waits until its owner has been seen', () => {
  const { declarations, owners } = declareNode([owned, bare], () => undefined);
  expect(declarations.map(({ name }) => name)).toEqual(['shop.a']);
  expect(owners).toEqual(new Set(['uid-web']));
});
