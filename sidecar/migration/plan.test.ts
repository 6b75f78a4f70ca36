import { describe, expect, test } from 'vitest';
import type { MigrationStatus } from '../../k8s/objects/migration.ts';
import type { Pod } from '../../k8s/objects/pod.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { aMigration, anOwner, aPod, aRecord, aWorkload, bornAt, observed, uid } from './fixtures.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import { foldEvent, type Progress } from './progress.ts';
import { accepted, ended, prepared } from './status.ts';

const ok = accepted(observed(), { source: 'edge-1', workload: 'shop.web' });
const commanded = prepared({ migration: aMigration(ok), now: bornAt });
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'rs-1', controller: true };

interface Target {
  gate?: boolean;
  ready?: boolean;
  owned?: boolean;
  adopted?: boolean;
  kind?: string;
  labelled?: boolean;
  going?: boolean;
  waiting?: string;
  phase?: string;
  foreign?: boolean;
}

function targetIn({
  gate,
  ready,
  owned,
  adopted,
  kind = 'ReplicaSet',
  labelled,
  going,
  waiting,
  phase,
  foreign,
}: Target = {}): Pod {
  const conditions = [
    ...(gate ? [{ type: 'godwit.dev/cutover', status: 'True' }] : []),
    { type: 'Ready', status: ready ? 'True' : 'False' },
  ];
  const marks = {
    'godwit.dev/owner': JSON.stringify({ ...owner, kind }),
    'godwit.dev/owner-labels': '{"pod-template-hash":"abc"}',
  };
  const metadata = {
    ...{ name: 'web-m0a1b2c3d', uid: 'pod-2' },
    labels: { app: 'web', ...(labelled && { 'pod-template-hash': 'abc' }) },
    annotations: { 'godwit.dev/migration': foreign ? 'other' : uid, ...(owned && marks) },
    ...(adopted && { ownerReferences: [{ ...owner, kind }] }),
    ...(going && { deletionTimestamp: 'now' }),
  };
  const state = waiting ? { waiting: { reason: waiting, message: 'no such image' } } : {};
  return {
    ...aPod({ nodeName: 'cloud-1' }, metadata),
    status: { phase: phase ?? 'Running', conditions, containerStatuses: [{ name: 'main', state }] },
  };
}

/** What the events have told when these were the stages, the last one with the result. */
function told(stages: MigrationEvent['stage'][], result?: MigrationEvent['result'], reason?: string): Progress {
  let progress: Progress | undefined;
  for (const [index, stage] of stages.entries()) {
    const last = index === stages.length - 1;
    progress = foldEvent(progress, {
      ...{ id: uid, workload: 'shop.web', source: 'edge-1', target: 'cloud-1', strategy: 'warm', trigger: 'manual' },
      ...{ decision: uid, epoch: 1, term: 1, stage, at: bornAt + 1000 * (index + 1) },
      ...(last && result && { result }),
      ...(last && reason && { reason }),
    });
  }
  return progress as Progress;
}
const upToRun: MigrationEvent['stage'][] = ['prepare', 'freeze', 'dump', 'restore', 'commit', 'run'];
const success = told([...upToRun, 'switch', 'release', 'clean', 'ended'], 'succeeded');

const at = (status: MigrationStatus | undefined, rest: Partial<Observed> = {}, metadata = {}): Observed =>
  observed({ migration: aMigration(status, metadata), ...rest });
const deleting = { deletionTimestamp: 'now' };
const inbound = {
  source: aRecord('edge-1', { workloads: [aWorkload] }),
  target: aRecord('cloud-1', { inbound: [uid] }),
};
const late = bornAt + 301_000;

const byImage = { ...ok, path: 'image' as const };
const imageCommanded = prepared({ migration: aMigration(byImage), now: bornAt });
const toRestore = upToRun.slice(0, 4);

describe('next action of a move by an image', () => {
  test.each<[string, Observed, string]>([
    ['asks whether the target pod would be taken', at(byImage), 'try-target'],
    ['commands without it', at(byImage, { tried: true }), 'publish-command'],
    [
      'makes no pod before there is an image',
      at(imageCommanded, { progress: told(['prepare', 'freeze', 'dump']) }),
      'wait',
    ],
    ['makes it then', at(imageCommanded, { progress: told(toRestore) }), 'create-target'],
    ['not on the way back', at(imageCommanded, { progress: told([...toRestore, 'aborting']) }), 'wait'],
    [
      'waits while it comes up',
      at(imageCommanded, { target: targetIn({ waiting: 'ContainerCreating' }), progress: told(toRestore) }),
      'wait',
    ],
    [
      'cancels what can not be pulled',
      at(imageCommanded, { target: targetIn({ waiting: 'ErrImagePull' }), progress: told(toRestore) }),
      'ask-cancel',
    ],
    ['… what was refused', at(imageCommanded, { creation: 'exceeded quota', progress: told(toRestore) }), 'ask-cancel'],
    [
      '… what failed',
      at(imageCommanded, { target: targetIn({ phase: 'Failed' }), progress: told(toRestore) }),
      'ask-cancel',
    ],
    [
      '… what somebody deletes',
      at(imageCommanded, { target: targetIn({ going: true }), progress: told(toRestore) }),
      'ask-cancel',
    ],
    ['… on request', at(imageCommanded, { progress: told(['prepare']) }, deleting), 'ask-cancel'],
    [
      'opens the gate when the copy runs',
      at(imageCommanded, { target: targetIn(), progress: told(upToRun) }),
      'open-gate',
    ],
    [
      'leaves a copy that has run alone',
      at(imageCommanded, { target: targetIn({ gate: true, phase: 'Failed' }), progress: told(upToRun) }),
      'wait',
    ],
  ])('%s', (_, seen, action) => {
    expect(plan(seen).action.kind).toBe(action);
  });

  test('what the kubelet said is the reason of the roll-back', () => {
    const failing = at(imageCommanded, { target: targetIn({ waiting: 'ErrImagePull' }), progress: told(toRestore) });
    const { status } = plan(failing);
    const end = told([...toRestore, 'ended'], 'rolled-back', 'cancelled on request');
    expect(plan(at(status, { progress: end })).status).toMatchObject({
      phase: 'RolledBack',
      reason: 'web-m0a1b2c3d on cloud-1: ErrImagePull: no such image',
    });
  });
});

describe('next action', () => {
  test.each<[string, Observed, string]>([
    ['asks whether a budget speaks against it', at(undefined, { eviction: undefined }), 'ask-eviction'],
    ['holds the object before anything is done', at(undefined, {}, { finalizers: [] }), 'hold'],
    ['accepts', at(undefined), 'wait'],
    ['lets an object go that was deleted before it was judged', at(undefined, {}, deleting), 'let-go'],
    ['creates the target pod', at(ok), 'create-target'],
    ['waits for its container', at(ok, { target: targetIn({ waiting: 'ContainerCreating' }) }), 'wait'],
    ['publishes the command', at(ok, { target: targetIn(), records: inbound }), 'publish-command'],
    ['not before the pod is there', at(ok, { records: inbound }), 'create-target'],
    ['gives the preparation up when the source ended', at(ok, { source: undefined, target: targetIn() }), 'delete-pod'],
    ['… was replaced', at(ok, { source: aPod({}, { uid: 'new' }), target: targetIn() }), 'delete-pod'],
    ['… the node refused', at(ok, { target: targetIn({ phase: 'Failed' }) }), 'delete-pod'],
    ['… time is over', at(ok, { target: targetIn(), now: late }), 'delete-pod'],
    ['… the API server refuses the target pod', at(ok, { creation: 'exceeded quota' }), 'wait'],
    ['… somebody deleted the object', at(ok, { target: targetIn() }, deleting), 'delete-pod'],
    ['waits for a driver', at(commanded, { target: targetIn() }), 'wait'],
    [
      'takes an event for the command that it does not remember',
      at(ok, { target: targetIn(), progress: told(['prepare']) }),
      'wait',
    ],
    ['asks for a cancellation', at(commanded, { progress: told(['prepare', 'freeze']) }, deleting), 'ask-cancel'],
    ['… when somebody deleted the target pod', at(commanded, { progress: told(['prepare', 'freeze']) }), 'ask-cancel'],
    [
      '… the source pod',
      at(commanded, { source: aPod({}, deleting), target: targetIn(), progress: told(['prepare', 'freeze']) }),
      'ask-cancel',
    ],
    [
      'not once the copy runs',
      at(commanded, { target: targetIn({ gate: true }), progress: told(upToRun) }, deleting),
      'wait',
    ],
    [
      '… whatever becomes of the source pod',
      at(commanded, { source: undefined, target: targetIn({ gate: true }), progress: told(upToRun) }),
      'wait',
    ],
    ['opens the gate when the copy runs', at(commanded, { target: targetIn(), progress: told(upToRun) }), 'open-gate'],
    [
      'not while that is in doubt',
      at(commanded, { target: targetIn(), progress: told([...upToRun, 'in-doubt']) }),
      'wait',
    ],
    ['not on the way back', at(commanded, { target: targetIn(), progress: told([...upToRun, 'aborting']) }), 'wait'],
    [
      'leaves the source alone before the end',
      at(commanded, {
        target: targetIn({ gate: true, ready: true, owned: true }),
        progress: told([...upToRun, 'switch', 'release']),
      }),
      'wait',
    ],
    [
      'after success opens a gate that was missed',
      at(commanded, { target: targetIn({ owned: true }), progress: success }),
      'open-gate',
    ],
    [
      'waits until the copy is Ready',
      at(commanded, { target: targetIn({ owned: true, gate: true }), progress: success, owner: anOwner() }),
      'wait',
    ],
    [
      'has the owner adopt it',
      at(commanded, {
        target: targetIn({ owned: true, gate: true, ready: true }),
        progress: success,
        owner: anOwner(),
      }),
      'adopt',
    ],
    [
      'waits for the adoption',
      at(commanded, {
        target: targetIn({ owned: true, gate: true, ready: true, labelled: true }),
        progress: success,
        owner: anOwner(),
      }),
      'wait',
    ],
    [
      'deletes the source then',
      at(commanded, {
        target: targetIn({ owned: true, gate: true, ready: true, labelled: true, adopted: true }),
        progress: success,
      }),
      'delete-pod',
    ],
    ['deletes a bare source', at(commanded, { target: targetIn({ gate: true }), progress: success }), 'delete-pod'],
    [
      'not another pod of its name',
      at(commanded, { source: aPod({}, { uid: 'new' }), target: targetIn({ gate: true }), progress: success }),
      'wait',
    ],
    [
      'deletes the copy when its owner is gone',
      at(commanded, {
        source: aPod({}, { ownerReferences: [owner] }),
        target: targetIn({ owned: true, gate: true, ready: true }),
        progress: success,
      }),
      'delete-pod',
    ],
    [
      'frees the copy when its owner has gone without its pods',
      at(commanded, { target: targetIn({ owned: true, gate: true, ready: true }), progress: success }),
      'release-target',
    ],
    [
      'deletes the copy after a roll-back',
      at(commanded, { target: targetIn(), progress: told(['freeze', 'aborting', 'ended'], 'rolled-back', 'why') }),
      'delete-pod',
    ],
    [
      'leaves both pods to a person when memory was lost',
      at(commanded, { target: targetIn(), progress: told([...upToRun, 'ended'], 'lost', 'why') }),
      'wait',
    ],
    [
      'lets the object go when all is done',
      at(ended({ migration: aMigration(ok), now: bornAt }, 'Succeeded', undefined), { progress: success }),
      'let-go',
    ],
    [
      'does nothing more then',
      at(ended({ migration: aMigration(ok), now: bornAt }, 'Succeeded', undefined), {}, { finalizers: [] }),
      'wait',
    ],
  ])('%s', (_, seen, action) => {
    expect(plan(seen).action.kind).toBe(action);
  });

  test('a Job gets the copy only when it would not end that one: while the source is not Ready', () => {
    const target = targetIn({ owned: true, kind: 'Job', gate: true, ready: true });
    const seen = at(commanded, { target, progress: success, owner: anOwner() });
    expect(plan(seen).action.kind).toBe('wait');
    const source: Pod = { ...aPod(), status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } };
    expect(plan({ ...seen, source }).action.kind).toBe('adopt');
  });

  test('a Job lets the source go before that is deleted', () => {
    const source = aPod({}, { labels: { app: 'web', 'pod-template-hash': 'abc' } });
    const target = targetIn({ owned: true, kind: 'Job', gate: true, ready: true, labelled: true, adopted: true });
    const seen = at(commanded, { source, target, progress: success });
    expect(plan(seen).action).toEqual({ kind: 'disown', labels: ['pod-template-hash'] });
    expect(plan({ ...seen, source: aPod() }).action).toMatchObject({ kind: 'delete-pod', pod: 'source' });
  });
});

describe('what the object says', () => {
  test.each<[string, Observed, MigrationStatus['phase'], RegExp]>([
    [
      'an ended source',
      at(ok, { source: undefined }),
      'Refused',
      /pod web ended while its place at cloud-1 was prepared/,
    ],
    [
      'a node that refuses',
      at(ok, { target: { ...targetIn({ going: true }), status: { phase: 'Failed', message: 'OutOfcpu' } } }),
      'Refused',
      /OutOfcpu/,
    ],
    [
      'a late target',
      at(ok, { target: targetIn({ going: true, waiting: 'ErrImagePull' }), now: late }),
      'Refused',
      /5 minutes: ErrImagePull: no such image/,
    ],
    ['a late creation', at(ok, { now: late }), 'Refused', /its pod was not created/],
    ['a target pod that is refused', at(ok, { creation: 'exceeded quota' }), 'Refused', /exceeded quota/],
    ['a cancelled preparation', at(ok, {}, deleting), 'RolledBack', /cancelled on request/],
    [
      'a roll-back',
      at(commanded, { progress: told(['freeze', 'ended'], 'rolled-back', 'no room') }),
      'RolledBack',
      /no room/,
    ],
    [
      'a source that was deleted on the way',
      at(commanded, {
        source: aPod({}, deleting),
        progress: told(['freeze', 'ended'], 'rolled-back', 'cancelled on request'),
      }),
      'RolledBack',
      /^pod web was deleted while it moved; cancelled on request$/,
    ],
    [
      'a refusal by the agents',
      at(commanded, { progress: told(['ended'], 'refused', 'io_uring') }),
      'Refused',
      /io_uring/,
    ],
    ['a failure', at(commanded, { progress: told(['ended'], 'failed', 'no copy runs') }), 'Failed', /no copy runs/],
    ['lost memory', at(commanded, { progress: told(['ended'], 'lost', 'died') }), 'Lost', /died/],
    ['doubt', at(commanded, { progress: told(['commit', 'in-doubt'], undefined, 'silence') }), 'InDoubt', /silence/],
  ])('of %s', (_, seen, phase, reason) => {
    const { status } = plan(seen);
    expect([status.phase, status.reason]).toEqual([phase, expect.stringMatching(reason)]);
    const completed = status.conditions?.find(({ type }) => type === 'Completed')?.status;
    expect(completed).toBe(phase === 'Lost' || phase === 'InDoubt' ? undefined : 'True');
  });

  test('a bare pod has moved when its copy is Ready, or has not become so in a minute; how long it was away', () => {
    const ran = foldEvent(told(upToRun), {
      ...{ id: uid, workload: 'shop.web', source: 'edge-1', target: 'cloud-1', strategy: 'warm', trigger: 'manual' },
      ...{ decision: uid, epoch: 1, term: 1, stage: 'switch', at: bornAt, measurements: { freezeMs: 300 } },
    });
    const progress: Progress = { ...ran, stage: 'ended', result: 'succeeded', endedAt: bornAt + 500 };
    const look = (target: Target, now: number): MigrationStatus =>
      plan(at(commanded, { source: undefined, target: targetIn({ gate: true, ...target }), progress, now })).status;
    const waiting = look({}, bornAt + 600);
    expect([waiting.phase, waiting.downtimeMs]).toEqual(['Running', undefined]);
    const completed = waiting.conditions?.find(({ type }) => type === 'Completed');
    expect(completed).toMatchObject({ status: 'False', message: 'web-m0a1b2c3d is not Ready yet' });
    const ready = look({ ready: true }, bornAt + 700);
    expect([ready.phase, ready.downtimeMs]).toEqual(['Succeeded', 1000]);
    const never = look({}, bornAt + 61_000);
    expect([never.phase, never.downtimeMs]).toEqual(['Succeeded', undefined]);
  });

  test('how long it was away does not change once it is told', () => {
    const progress = told([...upToRun, 'switch']);
    const status = { ...commanded, downtimeMs: 700 };
    const measured = { ...progress, measurements: { freezeMs: 300 } };
    const later = plan(at(status, { target: targetIn({ gate: true, ready: true }), progress: measured, now: late }));
    expect(later.status.downtimeMs).toBe(700);
  });

  test('why the target is waited for', () => {
    const { status } = plan(at(ok, { target: targetIn({ waiting: 'ImagePullBackOff' }) }));
    const condition = status.conditions?.find(({ type }) => type === 'Prepared');
    expect(condition).toMatchObject({
      status: 'False',
      message: 'web-m0a1b2c3d on cloud-1: ImagePullBackOff: no such image',
    });
  });

  test('what to do when the node of a copy that runs does not come back', () => {
    const completed = (target: Pod) =>
      plan(at(commanded, { target, progress: told([...upToRun, 'switch', 'release']) })).status.conditions?.find(
        ({ type }) => type === 'Completed',
      );
    expect(completed(targetIn({ gate: true, ready: true }))).toMatchObject({
      status: 'False',
      message: 'the source is released when cloud-1 has all of the memory',
    });
    expect(completed(targetIn({ gate: true }))?.message).toMatch(
      /^web-m0a1b2c3d on cloud-1 is not Ready; .*: godwit resolve \S+ --keep source --node-is-dead cloud-1$/,
    );
  });

  test('what is told of an id is not of the one that has taken it', () => {
    const namesake = aMigration(commanded, { namespace: 'other', name: 'm-1', uid: 'x' });
    const { status, action } = plan(at(undefined, { namesake, progress: told(['prepare', 'freeze']) }));
    expect([status.phase, status.reason, action.kind]).toEqual(['Refused', 'Migration other/m-1 has this id', 'wait']);
  });

  test('doubt that was settled leaves no reason behind', () => {
    const doubtful = plan(at(commanded, { progress: told(['commit', 'in-doubt'], undefined, 'silence') })).status;
    const after = plan(
      at(doubtful, { target: targetIn({ gate: true, ready: true }), source: undefined, progress: success }),
    ).status;
    expect([after.phase, after.reason]).toEqual(['Succeeded', undefined]);
  });

  test('a lost migration that a person has settled ends anew', () => {
    const lost = told([...upToRun, 'ended'], 'lost', 'died');
    const event = {
      id: uid,
      workload: 'w',
      source: 'edge-1',
      target: 'cloud-1',
      strategy: 'warm',
      trigger: 'manual',
    } as const;
    const settled = foldEvent(lost, {
      ...event,
      ...{ decision: uid, epoch: 1, term: 2, stage: 'ended', at: bornAt, result: 'rolled-back', reason: 'settled' },
    });
    const before = plan(at(commanded, { progress: lost })).status;
    expect(plan(at(before, { progress: settled })).status.phase).toBe('RolledBack');
  });
});
