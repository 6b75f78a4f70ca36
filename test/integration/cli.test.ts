import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../lib/bus/kv.ts';
import { openPolicyBucket } from '../../lib/bus/policy-bucket.ts';
import type { MigrateReply } from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { parsePolicy } from '../../lib/contract/policy.ts';
import { type SagaState, sagaStateSchema } from '../../lib/contract/saga.ts';
import { createLogger } from '../../lib/logger.ts';
import { decisionOf, eventOf, nodeOf, sagaOf } from '../helpers/cli-fixtures.ts';
import { eventually } from '../helpers/eventually.ts';
import { godwit } from '../helpers/godwit.ts';
import { type SecuredSite, startSecuredSite } from '../helpers/secured-site.ts';

const log = createLogger('test', { level: 'silent' });
let site: SecuredSite;
let migrator: NatsConnection;
let decider: NatsConnection;
let env: Record<string, string>;

const run = (...args: string[]) => godwit(args, { env });

beforeAll(async () => {
  site = await startSecuredSite();
  env = { GODWIT_CONFIG: join(site.dir, 'hub') };
  migrator = await site.connect('edge-1', 'migrator', 'migrator.edge-1');
  decider = await site.connect('hub', 'decider', 'decider');
  await (await openStore(migrator, 'nodes', nodeRecordSchema, log)).put(
    'edge-1',
    nodeOf('edge-1', ['trainer', 'shop']),
  );
});
afterAll(() => site.close());

const putSaga = async (saga: SagaState): Promise<string> => {
  await (await openStore(migrator, 'migrations', sagaStateSchema, log)).put(saga.command.id, saga);
  return saga.command.id;
};
const tell = async (event: MigrationEvent): Promise<void> => {
  const subject = `migration.v1.edge.event.${event.id}.${event.stage}`;
  await jetstream(migrator).publish(subject, JSON.stringify(event), { msgID: `${event.id}-${event.stage}` });
};

describe('get', () => {
  it('lists nodes and workloads as kubectl does', async () => {
    expect((await run('get', 'nodes')).stdout).toMatch(
      /^NAME {5}STATUS {3}SITE {3}TIER {3}CORES {3}MEMORY {3}WORKLOADS {3}SEEN\nedge-1 {3}Ready {4}edge {3}edge {3}2 {7}4\.0Gi {4}2 {11}0s\n$/,
    );
    expect((await run('get', 'wl', '-o', 'name', '--no-headers')).stdout).toBe('workload/shop\nworkload/trainer\n');
    expect(JSON.parse((await run('get', 'nodes', 'edge-1', '-o', 'json')).stdout)).toMatchObject([{ name: 'edge-1' }]);
  });

  it('goes on with what changes', async () => {
    const end = new AbortController();
    let seen = '';
    const onOut = (stdout: string): void => {
      seen = stdout;
    };
    await putSaga(sagaOf('watched'));
    const watching = godwit(['get', 'migrations', '-w'], { env, signal: end.signal, onOut });
    for (const patch of [{ stage: 'freeze' }, { stage: 'dump' }, { result: 'succeeded' }] as const) {
      await eventually(async () => seen.includes('watched'));
      await putSaga(sagaOf('watched', patch));
      await eventually(async () => seen.includes('result' in patch ? patch.result : patch.stage));
    }
    end.abort();
    const { stdout } = await watching;
    expect(stdout.match(/^NAME/gm)).toHaveLength(1);
    expect(stdout).toMatch(/watched .*prepare .*\nwatched .*freeze .*\nwatched .*dump .*\nwatched .*succeeded /);
  });

  it.each([
    [['get', 'nodes', 'edge-l'], /there is no node "edge-l"; did you mean edge-1\?\nnext: godwit get nodes/],
    [['get', 'nodess'], /there is no kind "nodess"; did you mean nodes\?/],
    [
      ['get', 'nodes', '-o', 'jsn', '--limit', '0'],
      /limit: expected a whole number above 0; output: there is no format "jsn"/,
    ],
    [['describe', 'workload', 'trainr'], /there is no workload "trainr"; did you mean trainer\?/],
    [['describe', 'migration', 'm-0'], /there is no migration "m-0"/],
    [['describe', 'decision', 'd-0'], /there is no decision "d-0"/],
    [['get'], /missing required argument 'kind'/],
    [['gett', 'nodes'], /unknown command 'gett' \(Did you mean get\?\)/],
    [['migrate', 'trainer', '--strategy', 'fast'], /there is no strategy "fast"/],
  ])('%j is wrong usage', async (args, sentence) => {
    const { exitCode, stderr, stdout } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(sentence);
  });
});

describe('describe', () => {
  it('tells a decision as one sentence, then every stage with its terms and candidates', async () => {
    const decision = decisionOf('d-1', { verdict: 'stay' });
    await jetstream(decider).publish('decision.v1.edge.edge-1', JSON.stringify(decision), { msgID: 'd-1' });
    const { stdout } = await run('describe', 'decision', 'd-1');
    expect(stdout.split('\n')[0]).toBe(decision.sentence);
    expect(stdout).toContain('1. victim: stops here. nothing is worth moving\n     excess:  0.25\n');
    expect(stdout).toContain('- shop: too young (ageMs 12)');
    expect((await run('get', 'decisions')).stdout).toMatch(/d-1 .*stay .*nothing leaves edge-1/);
  });

  it('tells a migration with its measurements, stages and events', async () => {
    const id = await putSaga(sagaOf('described', { measurements: { freezeMs: 1234, freezeErrorMs: 2 } }));
    await tell(eventOf(id, 'prepare'));
    await tell(eventOf(id, 'ended', { result: 'rolled-back', reason: 'the link was cut' }));
    const { stdout } = await run('describe', 'migration', id);
    expect(stdout).toMatch(/Freeze: {2}1\.23s ± 2ms/);
    expect(stdout).toMatch(/prepare\n.*ended {2}rolled-back: the link was cut/);
  });
});

describe('migrate', () => {
  let reply: MigrateReply;
  beforeAll(() => {
    decider.subscribe('decider.v1.migrate', {
      callback: (_error, message) => {
        message.respond(JSON.stringify(reply));
      },
    });
  });
  const moves = (id: string): MigrateReply => ({
    ok: true,
    decision: decisionOf(`d-${id}`, { verdict: 'migrate', migration: id }),
  });

  it('prints the migration and leaves', async () => {
    reply = moves('m-1');
    expect(await run('migrate', 'trainer')).toMatchObject({ exitCode: 0, stdout: 'migration/m-1\n' });
  });

  it.each([
    ['succeeded', 0],
    ['rolled-back', 1],
    ['lost', 1],
    ['refused', 4],
  ] as const)('waits, shows the stages, and ends by the result: %s', async (result, exitCode) => {
    const id = `m-${result}`;
    reply = moves(id);
    const waiting = run('migrate', 'trainer', '--wait');
    await tell(eventOf(id, 'prepare'));
    await tell(eventOf(id, 'ended', { result }));
    const told = await waiting;
    expect(told).toMatchObject({ exitCode, stdout: `migration/${id}\n` });
    expect(told.stderr).toMatch(/prepare\n.*ended {2}/);
  });

  it('gives up waiting, not the migration', async () => {
    reply = moves('m-slow');
    const told = await run('migrate', 'trainer', '--wait', '--timeout', '300ms');
    expect(told.exitCode).toBe(3);
    expect(told.stderr).toMatch(/m-slow has not ended after 300ms.*\nnext: it goes on/);
  });

  it('says what a dry run would do', async () => {
    reply = { ok: true, decision: decisionOf('d-dry', { verdict: 'stay', dryRun: true }) };
    const told = await run('migrate', 'trainer', '--dry-run');
    expect(told.exitCode).toBe(4);
    expect(told.stdout).toMatch(/^nothing leaves edge-1/);
  });

  it.each([
    ['E_REFUSED', 4],
    ['E_PREFLIGHT', 4],
    ['E_BUSY', 4],
    ['E_UNKNOWN_WORKLOAD', 2],
  ])('passes a refusal on: %s', async (code, exitCode) => {
    reply = { ok: false, error: { code, message: 'no', next: 'wait' } };
    expect(await run('migrate', 'trainerr')).toMatchObject({ exitCode, stdout: '' });
  });
});

describe('cancel', () => {
  it('leaves the wish in the migration’s state, whatever else is written meanwhile', async () => {
    const id = await putSaga(sagaOf('cancelled'));
    expect(await run('cancel', id)).toMatchObject({ exitCode: 0, stdout: `migration/${id}\n` });
    const state = await (await openStore(migrator, 'migrations', sagaStateSchema, log)).get(id);
    expect(state?.value.cancelRequested).toBe(true);
  });

  it.each([
    [
      'committed',
      { record: 'committed' },
      /is committed: the copy on cloud-1 has the lead\nnext: .*migrate trainer --to edge-1/,
    ],
    ['over', { direction: 'ended', result: 'succeeded' }, /has ended: succeeded/],
    ['rolling-back', { record: 'aborted' }, /is rolling back already/],
  ] as const)('is refused when it is %s', async (name, patch, sentence) => {
    const { exitCode, stderr } = await run('cancel', await putSaga(sagaOf(name, patch)));
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(sentence);
  });
});

describe('resolve', () => {
  it('asks both agents and says what it means', async () => {
    const id = await putSaga(sagaOf('doubtful', { direction: 'in-doubt', record: 'open' }));
    migrator.subscribe('node.v1.edge-1.status', {
      callback: (_error, message) => {
        const result = { role: 'source', record: 'committed', copy: 'frozen' };
        message.respond(JSON.stringify({ ok: true, at: Date.now(), result }));
      },
    });
    const { exitCode, stdout } = await run('resolve', id);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/Source edge-1: +copy frozen, record committed\nTarget cloud-1: +does not answer/);
    expect(stdout).toMatch(/edge-1 has committed and waits/);
  });
});

describe('policy', () => {
  let dir: string;
  const head = 'apiVersion: policy.godwit.dev/v1alpha1\nkind: Policy\nmetadata: { name: mine }\n';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'godwit-policy-'));
    return () => rm(dir, { recursive: true, force: true });
  });
  const file = async (text: string): Promise<string> => {
    await writeFile(join(dir, 'policy.yaml'), text);
    return join(dir, 'policy.yaml');
  };

  it('check names every fault with its line and path', async () => {
    const { exitCode, stderr } = await run(
      'policy',
      'check',
      await file(`${head}spec:\n  paused: maybe\n  speed: 1\n`),
    );
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/policy\.yaml:5\S* spec\.paused: expected boolean/);
    expect(stderr).toMatch(/policy\.yaml:6\S* spec\.speed: unknown field/);
  });

  it('apply stores what is right, and waits for the decider', async () => {
    const text = `${head}spec: { paused: true }\n`;
    const bucket = await openPolicyBucket(decider);
    const applying = run('policy', 'apply', await file(text));
    const stored = await eventually(() => bucket.read('current'));
    const parsed = parsePolicy(stored.text);
    if (!parsed.ok) throw new Error('the stored text is faulty');
    const { name, version } = parsed.policy;
    await bucket.write('last-good', stored.text);
    await bucket.writeStatus({ state: 'in-force', version, inForce: { name, version }, faults: [], at: Date.now() });
    expect(await applying).toMatchObject({ exitCode: 0, stdout: `policy/mine ${version}\n` });
    expect((await run('policy', 'show')).stdout).toBe(text);
  });

  it('apply is refused where the policy is kept elsewhere', async () => {
    const bucket = await openPolicyBucket(decider);
    await bucket.writeOrigin('ConfigMap godwit-system/godwit-policy');
    try {
      const before = await bucket.read('current');
      const { exitCode, stderr } = await run('policy', 'apply', await file(`${head}spec: { paused: false }\n`));
      expect({ exitCode, stderr }).toEqual({
        exitCode: 4,
        stderr: expect.stringMatching(
          /is that of ConfigMap godwit-system\/godwit-policy.*\nnext: kubectl godwit policy apply/,
        ),
      });
      expect(await bucket.read('current')).toEqual(before);
    } finally {
      await bucket.writeOrigin(undefined);
    }
  });

  it('apply leaves everything alone when the file is wrong', async () => {
    const before = (await run('policy', 'show')).stdout;
    expect((await run('policy', 'apply', await file('spec: 1'))).exitCode).toBe(2);
    expect((await run('policy', 'show')).stdout).toBe(before);
  });
});

describe('without a hub', () => {
  it('says so within seconds', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'godwit-cli-'));
    try {
      const none = await godwit(['get', 'nodes'], { env: { GODWIT_CONFIG: dir } });
      expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('there is no operator.yaml in') });
      await writeFile(join(dir, 'operator.yaml'), `servers: ["tls://127.0.0.1:1"]\npki: ${join(site.dir, 'hub')}\n`);
      const silent = await godwit(['get', 'nodes'], { env: { GODWIT_CONFIG: dir } });
      expect(silent).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('the hub can not be reached') });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
