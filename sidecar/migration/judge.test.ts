import { describe, expect, test } from 'vitest';
import type { Migration, MigrationStatus } from '../../k8s/objects/migration.ts';
import type { Pod } from '../../k8s/objects/pod.ts';
import { aMigration, aNode, anOwner, aPod, aRecord, aWorkload, bornAt, observed } from './fixtures.ts';
import { judge, namesakeOf } from './judge.ts';
import type { Observed } from './observed.ts';
import { accepted } from './status.ts';

const ownedBy = (kind: string, spec: Partial<Pod['spec']> = {}): Pod =>
  aPod(spec, {
    labels: { app: 'web', 'pod-template-hash': 'abc' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'web-abc', uid: 'rs-1', controller: true }],
  });
const job = (rest: { backoffLimit?: number; failed?: number }) =>
  anOwner({
    spec: {
      selector: { matchLabels: { app: 'web' } },
      ...(rest.backoffLimit !== undefined && { backoffLimit: rest.backoffLimit }),
    },
    status: { ...(rest.failed !== undefined && { failed: rest.failed }) },
  });
const report = (workload: Partial<typeof aWorkload>): Observed['records'] => ({
  source: aRecord('edge-1', { workloads: [{ ...aWorkload, ...workload }] }),
  target: aRecord('cloud-1'),
});
const affinity = (key: string, operator: string, ...values: string[]) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
    },
  },
});
const tainted = aNode({ spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } });

describe('accepted', () => {
  test.each<[string, Partial<Observed>]>([
    ['a bare pod', {}],
    ['a pod of a ReplicaSet', { source: ownedBy('ReplicaSet'), owner: anOwner() }],
    [
      'a pod of a Job that restarts its containers',
      { source: ownedBy('Job', { restartPolicy: 'OnFailure' }), owner: job({}) },
    ],
    [
      'volumes that the target gets by its spec',
      {
        source: aPod({
          volumes: [
            { name: 'a', emptyDir: {} },
            { name: 'b', secret: {} },
          ],
        }),
      },
    ],
    [
      'the monitor beside it',
      { source: aPod({ initContainers: [{ name: 'godwit-monitor', restartPolicy: 'Always' }] }) },
    ],
    [
      'a terminal, by a restart',
      {
        source: aPod({ containers: [{ name: 'main', tty: true }] }),
        records: report({ strategy: 'restart', keeps: 'nothing' }),
      },
    ],
    ['init containers that have ended', { source: aPod({ initContainers: [{ name: 'prepare' }] }) }],
    ['a selector that the target meets', { source: aPod({ nodeSelector: { tier: 'cloud' } }) }],
    ['an affinity that the target meets', { source: aPod({ affinity: affinity('tier', 'In', 'cloud', 'fog') }) }],
    [
      'a taint that it tolerates',
      { node: tainted, source: aPod({ tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }) },
    ],
    [
      'a taint of any kind that it tolerates',
      { node: tainted, source: aPod({ tolerations: [{ operator: 'Exists' }] }) },
    ],
    [
      'a terminal, by a restart',
      {
        source: aPod({ containers: [{ name: 'main', tty: true, stdin: true }], shareProcessNamespace: true }),
        records: report({ strategy: 'restart', keeps: 'nothing' }),
      },
    ],
    ['a host path that nothing mounts', { source: aPod({ volumes: [{ name: 'h', hostPath: {} }] }) }],
    [
      'another pod that is moved',
      { others: [{ ...aMigration({ phase: 'Running' }, { uid: 'x' }), spec: { ...aMigration().spec, pod: 'db' } }] },
    ],
  ])('%s', (_, rest) => {
    expect(judge(observed(rest))).toEqual({ kind: 'accept', source: 'edge-1', workload: 'shop.web' });
  });
});

const imagesGo = { checkpoints: 'registry/checkpoints' };
const stock = (
  spec: Partial<Pod['spec']> = {},
  volumeMounts: { name: string; mountPath: string }[] = [],
): Partial<Observed> => ({
  source: aPod({ runtimeClassName: undefined, containers: [{ name: 'main', volumeMounts }], ...spec }),
});

test('a pod of a stock node is accepted where there is a repository for its image', () => {
  expect(judge(observed({ ...stock(), ...imagesGo }))).toMatchObject({ kind: 'accept' });
});

describe('refused', () => {
  const withSpec = (spec: Partial<Pod['spec']>): Partial<Observed> => ({ source: aPod(spec) });
  const container = (more: object): Partial<Observed> => withSpec({ containers: [{ name: 'main', ...more }] });
  const cases: [string, Partial<Observed>, RegExp][] = [
    ['no pod', { source: undefined }, /there is no pod web in namespace shop/],
    ['a pod that is there already', withSpec({ nodeName: 'cloud-1' }), /on node cloud-1 already/],
    ['a pod that is deleted', { source: aPod({}, { deletionTimestamp: 'now' }) }, /being deleted/],
    ['a pod that has not started', { source: { ...aPod(), status: { phase: 'Pending' } } }, /Pending, not Running/],
    ['what its spec says', withSpec({ hostNetwork: true }), /^hostNetwork: it is part of its node$/],
    ['a terminal, by memory', container({ tty: true }), /terminal/],
    [
      'a terminal, asked for by memory',
      {
        ...container({ tty: true }),
        migration: { ...aMigration(), spec: { ...aMigration().spec, strategy: 'warm' } },
        records: report({ strategy: 'restart', keeps: 'nothing' }),
      },
      /terminal/,
    ],
    [
      'a restart on a stock node',
      { ...stock(), ...imagesGo, records: report({ strategy: 'restart', keeps: 'nothing' }) },
      /strategy restart needs runtimeClassName godwit/,
    ],
    ['an owner that is gone', { source: ownedBy('ReplicaSet') }, /is gone/],
    [
      'an owner by expressions alone',
      { source: ownedBy('ReplicaSet'), owner: anOwner({ spec: { selector: {} } }) },
      /by no label/,
    ],
    [
      'a Job without a failure left',
      { source: ownedBy('Job', { restartPolicy: 'OnFailure' }), owner: job({ backoffLimit: 2, failed: 2 }) },
      /no failure left \(2 of 2\)/,
    ],
    ['no such node', { node: undefined }, /no node cloud-1/],
    ['a node that is not ready', { node: aNode({ status: { conditions: [] } }) }, /not Ready/],
    ['a cordoned node', { node: aNode({ spec: { unschedulable: true } }) }, /cordoned/],
    ['a selector that is not met', withSpec({ nodeSelector: { tier: 'edge' } }), /nodeSelector asks for tier=edge/],
    ['an affinity that is not met', withSpec({ affinity: affinity('tier', 'NotIn', 'cloud') }), /node affinity/],
    ['a taint', { node: tainted }, /taint gpu:NoSchedule/],
    [
      'no agent at the target',
      { records: { source: aRecord('edge-1'), target: undefined } },
      /no agent of node cloud-1/,
    ],
    [
      'an agent without pods',
      { records: { source: aRecord('edge-1'), target: aRecord('cloud-1', { engines: ['runc'] }) } },
      /does not move pods/,
    ],
    [
      'no agent at the source',
      { records: { source: undefined, target: aRecord('cloud-1') } },
      /no agent of node edge-1/,
    ],
    [
      'an obstacle that the agent has found',
      { records: report({ obstacle: 'io_uring is in use' }) },
      /io_uring is in use/,
    ],
    ['memory that was lost', { records: report({ lost: true }) }, /waits for a person/],
    [
      'a pod that no agent reports',
      { records: report({ name: 'x', pod: { namespace: 'shop', name: 'x' } }), now: bornAt + 60_000 },
      /is there an EdgeNode edge-1/,
    ],
    ['a disruption budget', { eviction: { allowed: false, reason: 'the budget says no' } }, /the budget says no/],
    [
      'a pod on the move',
      { others: [aMigration({ phase: 'Running' }, { uid: 'x', name: 'first' })] },
      /moved by Migration first/,
    ],
    [
      'a copy on the move',
      {
        others: [
          {
            ...aMigration({ phase: 'Running', targetPod: 'web' }, { uid: 'x' }),
            spec: { ...aMigration().spec, pod: 'old' },
          },
        ],
      },
      /is being moved/,
    ],
  ];
  test.each(cases)('%s', (_, rest, reason) => {
    const verdict = judge(observed(rest));
    expect(verdict).toEqual({ kind: 'refuse', reason: expect.stringMatching(reason) });
  });
});

describe('not judged yet', () => {
  test('a pod that its agent will report soon', () => {
    expect(judge(observed({ records: report({ pod: { namespace: 'shop', name: 'x' } }) }))).toMatchObject({
      kind: 'wait',
    });
  });

  test('the later one of two for the same pod, until the earlier one is judged', () => {
    const earlier = aMigration(undefined, { uid: 'x', creationTimestamp: new Date(bornAt - 5000).toISOString() });
    const later = aMigration(undefined, { uid: 'x', creationTimestamp: new Date(bornAt + 5000).toISOString() });
    expect(judge(observed({ others: [earlier] }))).toMatchObject({ kind: 'wait' });
    expect(judge(observed({ others: [later] }))).toMatchObject({ kind: 'accept' });
  });

  test('of two of the same second exactly one waits', () => {
    const a = aMigration(undefined, { uid: 'a' });
    const b = aMigration(undefined, { uid: 'b' });
    const verdicts = [judge(observed({ migration: a, others: [b] })), judge(observed({ migration: b, others: [a] }))];
    expect(verdicts.map(({ kind }) => kind).sort()).toEqual(['accept', 'wait']);
  });

  test('what no budget has been asked about', () => {
    expect(judge(observed({ eviction: undefined }))).toEqual({ kind: 'ask-eviction' });
  });
});

test('what was not taken up in time is refused, and nothing earlier', () => {
  const expiring = (at: number): Observed => {
    const migration = aMigration();
    return observed({
      migration: { ...migration, spec: { ...migration.spec, expiresAt: new Date(at).toISOString() } },
    });
  };
  expect(judge(expiring(bornAt + 999))).toMatchObject({
    kind: 'refuse',
    reason: expect.stringMatching(/^it expired at 2026-/),
  });
  expect(judge(expiring(bornAt + 1000))).toMatchObject({ kind: 'accept' });
});

describe('of two with one id', () => {
  const withId = (namespace: string, second: number, status?: MigrationStatus): Migration => {
    const creationTimestamp = new Date(bornAt + 1000 * second).toISOString();
    const migration = aMigration(status, { namespace, uid: `uid-${namespace}`, creationTimestamp });
    return { ...migration, spec: { ...migration.spec, id: 'm-1' } };
  };
  const ok = accepted(observed(), { source: 'edge-1', workload: 'shop.web' });

  test('the older one stands', () => {
    const both = [withId('b', 0), withId('a', 1)] as const;
    expect(both.map((one) => namesakeOf(one, both)?.metadata.namespace)).toEqual([undefined, 'b']);
  });

  test('of the same second exactly one stands', () => {
    const both = [withId('b', 0), withId('a', 0)] as const;
    expect(both.filter((one) => namesakeOf(one, both) === undefined)).toHaveLength(1);
  });

  test('one that was accepted stands, whatever the clock said', () => {
    const both = [withId('b', 0), withId('a', 1, ok)] as const;
    expect(both.map((one) => namesakeOf(one, both)?.metadata.namespace)).toEqual(['a', undefined]);
  });

  test('others do not matter', () => {
    const other = aMigration(undefined, { uid: 'other' });
    expect(namesakeOf(withId('a', 1), [other, withId('a', 1)])).toBeUndefined();
  });
});
