import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTrue, type Pod } from '../../k8s/objects/pod.ts';
import { type MigrationEvent, stages } from '../../lib/contract/migration.ts';
import type { Action } from './actions.ts';
import { aMigration, anOwner, aPod, aRecord, aWorkload, bornAt, observed, uid } from './fixtures.ts';
import type { Observed } from './observed.ts';
import { ownerLabels } from './owners.ts';
import { plan } from './plan.ts';
import { foldEvent } from './progress.ts';
import { targetPod } from './target-pod.ts';

// A cluster in a box: the actions change it, the world around it does what it likes, and what must never happen is looked for.

interface World {
  seen: Observed;
  commands: number;
  /** The driver has told how it ended. */
  result: MigrationEvent['result'] | undefined;
  toldRun: boolean;
}

const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'rs-1', controller: true };

function begin(owned: boolean, byImage: boolean): World {
  const labels = { app: 'web', 'pod-template-hash': 'abc' };
  const spec = byImage ? { runtimeClassName: undefined } : {};
  const source = owned ? aPod(spec, { labels, ownerReferences: [reference] }) : aPod(spec);
  const seen = observed({
    source,
    migration: aMigration(undefined, { finalizers: [] }),
    eviction: undefined,
    checkpoints: 'registry/checkpoints',
    ...(owned && { owner: anOwner() }),
  });
  return { seen, commands: 0, result: undefined, toldRun: false };
}

const withMetadata = (world: World, metadata: object): Observed['migration'] => ({
  ...world.seen.migration,
  metadata: { ...world.seen.migration.metadata, ...metadata },
});

/** Carries the action out as the API server would. Throws where it must never be asked for. */
const deeds: { [K in Action['kind']]: (world: World, action: Extract<Action, { kind: K }>) => Partial<Observed> } = {
  wait: () => ({}),
  'ask-eviction': () => ({ eviction: { allowed: true } }),
  'try-target': () => ({ tried: true }),
  hold: (world) => ({ migration: withMetadata(world, { finalizers: ['godwit.dev/migration'] }) }),
  'let-go': (world) => {
    const { progress, target } = world.seen;
    if (world.commands > 0) expect(progress?.result, 'let go before the end').toBeDefined();
    if (progress?.result === 'rolled-back') expect(target, 'a target pod is left').toBeUndefined();
    return { migration: withMetadata(world, { finalizers: [] }) };
  },
  'create-target': (world) => {
    expect(world.seen.migration.metadata.finalizers).toContain('godwit.dev/migration');
    const { source, owner } = world.seen;
    const made = targetPod(source as Pod, {
      migration: uid,
      workload: 'shop.web',
      node: 'cloud-1',
      ownerLabels: ownerLabels(source as Pod, owner),
    });
    const metadata = { ...made.metadata, uid: 'pod-2', resourceVersion: '1' };
    return { target: { metadata, spec: made.spec, status: { phase: 'Pending', conditions: [] } } };
  },
  'publish-command': (world) => {
    const { target, tried, migration } = world.seen;
    if (migration.status?.path === 'image') expect(tried, 'commanded without asking for a place').toBe(true);
    else expect(target, 'commanded without a place at the target').toBeDefined();
    world.commands++;
    return {};
  },
  'ask-cancel': () => ({}),
  'open-gate': (world) => {
    expect(world.toldRun, 'gate opened before the copy runs').toBe(true);
    return { target: withConditions(world.seen.target as Pod, 'godwit.dev/cutover') };
  },
  adopt: (world, { labels }) => {
    const target = world.seen.target as Pod;
    expect(isTrue(target, 'Ready'), 'the ReplicaSet would end the copy').toBe(true);
    const metadata = {
      ...target.metadata,
      labels: { ...target.metadata.labels, ...labels },
      ownerReferences: [reference],
    };
    return { target: { ...target, metadata } };
  },
  'release-target': (world) => {
    expect(world.seen.source?.metadata.ownerReferences, 'its owner would make a third').toBeUndefined();
    const target = world.seen.target as Pod;
    const { 'godwit.dev/owner': _, 'godwit.dev/owner-labels': __, ...annotations } = target.metadata.annotations ?? {};
    return { target: { ...target, metadata: { ...target.metadata, annotations } } };
  },
  disown: () => ({}),
  'delete-pod': (world, { pod }) => {
    const { target } = world.seen;
    if (pod === 'target') {
      expect(world.result, 'the only copy is deleted').not.toBe('succeeded');
      expect(world.result, 'what a person has to judge is deleted').not.toBe('lost');
      if (world.commands > 0) expect(world.result, 'deleted while the driver works').toBeDefined();
      return { target: undefined };
    }
    expect(world.result, 'the source is deleted without success').toBe('succeeded');
    const remembered = target?.metadata.annotations?.['godwit.dev/owner'];
    if (target && remembered) expect(target.metadata.ownerReferences, 'its owner would make a third').toHaveLength(1);
    return { source: undefined };
  },
};

function withConditions(pod: Pod, ...types: string[]): Pod {
  const conditions = [...(pod.status?.conditions ?? []), ...types.map((type) => ({ type, status: 'True' }))];
  return { ...pod, status: { ...pod.status, conditions } };
}

function tell(world: World, stage: MigrationEvent['stage'], result?: MigrationEvent['result']): void {
  if (world.commands === 0 || world.result) return;
  if (stage === 'run') world.toldRun = true;
  world.result = result;
  const event: MigrationEvent = {
    ...{ id: uid, workload: 'shop.web', source: 'edge-1', target: 'cloud-1', strategy: 'warm', trigger: 'manual' },
    ...{ decision: uid, epoch: 1, term: 1, stage, at: bornAt, ...(result && { result, reason: 'why' }) },
  };
  world.seen = { ...world.seen, progress: foldEvent(world.seen.progress, event) };
}

/** What happens of itself. */
const happenings: Record<string, (world: World) => void> = {
  targetWaits: (world) => {
    const records = {
      source: aRecord('edge-1', { workloads: [aWorkload] }),
      target: aRecord('cloud-1', { inbound: [uid] }),
    };
    world.seen = { ...world.seen, records };
  },
  targetReady: (world) => {
    const { target } = world.seen;
    if (target && isTrue(target, 'godwit.dev/cutover'))
      world.seen = { ...world.seen, target: withConditions(target, 'Ready') };
  },
  deleted: (world) => {
    world.seen = { ...world.seen, migration: withMetadata(world, { deletionTimestamp: 'now' }) };
  },
  sourceDeleted: (world) => {
    const { source } = world.seen;
    if (source)
      world.seen = { ...world.seen, source: aPod(source.spec, { ...source.metadata, deletionTimestamp: 'now' }) };
  },
  // its owner goes without its pods
  orphaned: (world) => {
    const { source, target } = world.seen;
    const free = (pod: Pod | undefined) => pod && { ...pod, metadata: { ...pod.metadata, ownerReferences: undefined } };
    // what has no source any more can not be told from what goes with its owner
    if (source && !source.metadata.deletionTimestamp)
      world.seen = { ...world.seen, owner: undefined, source: free(source), target: free(target) };
  },
  // a new leader remembers nothing of its own
  restarted: (world) => {
    world.seen = { ...world.seen, eviction: undefined };
  },
  timePasses: (world) => {
    world.seen = { ...world.seen, now: world.seen.now + 100_000 };
  },
  ...Object.fromEntries(
    stages.map((stage) => [
      stage,
      (world: World) => {
        // the driver keeps the order
        const before = stages.indexOf(stage);
        const last = stages.indexOf(world.seen.progress?.stage as (typeof stages)[number]);
        if (before > last) for (const one of stages.slice(last + 1, before + 1)) tell(world, one);
      },
    ]),
  ),
  rolledBack: (world) => {
    if (!world.toldRun) tell(world, 'ended', 'rolled-back');
  },
  succeeded: (world) => {
    if (world.seen.progress?.stage === 'clean') tell(world, 'ended', 'succeeded');
  },
  lost: (world) => {
    if (world.toldRun) tell(world, 'ended', 'lost');
  },
};

/** One look of the controller. */
function look(world: World): boolean {
  const { status, action, after } = plan(world.seen);
  const changed = JSON.stringify(status) !== JSON.stringify(world.seen.migration.status);
  world.seen = { ...world.seen, migration: { ...world.seen.migration, status } };
  const change = (deeds[action.kind] as (world: World, action: Action) => Partial<Observed>)(world, action);
  world.seen = { ...world.seen, ...change };
  if (after) world.seen = { ...world.seen, migration: { ...world.seen.migration, status: after } };
  return changed || action.kind !== 'wait';
}

function settle(world: World): void {
  for (let looks = 0; look(world); looks++) {
    // asking for a cancellation is repeated until the driver has ended it
    if (plan(world.seen).action.kind === 'ask-cancel') return;
    expect(looks, 'it does not come to rest').toBeLessThan(30);
  }
}

const isLeft = (pod: Pod | undefined): boolean => pod !== undefined && !pod.metadata.deletionTimestamp;

function checkRest({ result, seen, commands }: World): void {
  const phase = seen.migration.status?.phase;
  if (result === 'succeeded' && seen.target && isTrue(seen.target, 'Ready'))
    expect([phase, isLeft(seen.source)]).toEqual(['Succeeded', false]);
  if (result === 'rolled-back') expect([phase, seen.target]).toEqual(['RolledBack', undefined]);
  expect(commands).toBeLessThanOrEqual(1);
}

describe('the plan', () => {
  test('whatever happens in whatever order, nothing forbidden is asked for, and it comes to rest', () => {
    // of the usual size are the few steps that do not even lead to a command
    const step = fc.record({ name: fc.constantFrom(...Object.keys(happenings)), looks: fc.nat({ max: 4 }) });
    const steps = fc.array(step, { maxLength: 40, size: 'max' });
    const ends = new Set<string | undefined>();
    const play = (owned: boolean, byImage: boolean, story: readonly { name: string; looks: number }[]): void => {
      const world = begin(owned, byImage);
      for (const { name, looks } of story) {
        happenings[name]?.(world);
        for (let count = 0; count < looks; count++) look(world);
      }
      settle(world);
      checkRest(world);
      ends.add(world.seen.migration.status?.phase);
    };
    fc.assert(fc.property(fc.boolean(), fc.boolean(), steps, play), { numRuns: 1000 });
    expect([...ends]).toEqual(expect.arrayContaining(['Succeeded', 'RolledBack', 'Refused', 'Lost']));
  });
});
