import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../lib/bus/kv.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { commandSubject, migrateRequestSubject, nodeSubject } from '../../lib/subjects.ts';
import { raiseFleet, type TestFleet } from '../helpers/fleet.ts';
import { liveOn } from '../helpers/fleet-facts.ts';
import { move, runWorkload, type Self, selfOf, untilReported, type Workload } from '../helpers/fleet-moves.ts';
import { untilReady } from '../helpers/fleet-services.ts';
import { edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { type GodwitResult, godwit } from '../helpers/godwit.ts';
import { until } from '../helpers/until.ts';

let fleet: TestFleet;
let workload: Workload;
let before: Self;
let dir: string;
beforeAll(async () => {
  fleet = await raiseFleet({ nodes: edgeAndCloud, policy: pausedPolicy });
  await untilReady(fleet);
  workload = await runWorkload(fleet, { name: 'shop', node: 'edge-1', host: 101, env: { MIB: '8' } });
  before = await selfOf(workload);
  dir = await mkdtemp(join(tmpdir(), 'godwit-bad-'));
});
afterAll(async () => {
  await fleet?.down();
  if (dir) await rm(dir, { recursive: true });
});

const run = (...args: string[]): Promise<GodwitResult> => godwit(args, { env: { GODWIT_CONFIG: fleet.config } });

/** One sentence, nothing on stdout; places and the next step may stand beside it. */
function expectFault({ exitCode, stdout, stderr }: GodwitResult, code: number, sentence: RegExp): void {
  expect({ exitCode, stdout, lines: stderr.match(/^error: /gm)?.length }, stderr).toEqual({
    exitCode: code,
    stdout: '',
    lines: 1,
  });
  expect(stderr).toMatch(sentence);
  expect(stderr.length).toBeLessThan(600);
}

async function expectNothingChanged(): Promise<void> {
  expect(fleet.story.events).toEqual([]);
  // on a machine that is busy the decider may say by itself that nothing moves
  expect(fleet.story.decisions.filter(({ verdict, trigger }) => verdict === 'migrate' || trigger === 'manual')).toEqual(
    [],
  );
  expect(await liveOn(fleet.workers, 'shop')).toEqual(['edge-1']);
  expect((await selfOf(workload)).nonce).toBe(before.nonce);
}

test.each([
  [['migrate', 'shopp'], 2, /there is no workload "shopp"; did you mean shop\?/],
  [['migrate', 'Sh op'], 2, /workload: /],
  [['migrate', 'shop', '--to', 'cloud-2'], 2, /there is no node "cloud-2"; did you mean cloud-1\?/],
  [['migrate', 'shop', '--to', 'edge-1'], 2, /target: the workload runs on edge-1 already/],
  [['migrate', 'shop', '--to', 'hub'], 2, /there is no node "hub"/],
  [['migrate', 'shop', '--strategy', 'fast'], 2, /strategy: there is no strategy "fast"/],
  [['migrate', 'shop', '--timeout', 'soon'], 2, /timeout: /],
  [['cancel', 'm-0123456789abcdef'], 2, /there is no migration "m-0123456789abcdef"/],
  [['resolve', 'm-0123456789abcdef'], 2, /there is no migration "m-0123456789abcdef"/],
] as const)('%j is refused in one sentence', async (args, code, sentence) => {
  expectFault(await run(...args), code, sentence);
  await expectNothingChanged();
});

test.each([
  [
    'a wrong type',
    'spec: { overload: { targetThresholds: { cpu: high } } }',
    /:4\S* spec\.overload\.targetThresholds\.cpu: /,
  ],
  ['an unknown field', 'spec: { overload: { target: 1 } }', /:4\S* spec\.overload\.target: unknown field/],
  [
    'a release above its trigger',
    'spec: { victim: { releaseThresholds: { cpu: 0.9 } } }',
    /spec\.victim\.releaseThresholds\.cpu: .*targetThresholds/,
  ],
  ['no YAML', 'spec: { paused: [', /policy\.yaml:\d+/],
])('a policy with %s is refused with its place', async (_, spec, place) => {
  const inForce = await run('policy', 'show');
  const file = join(dir, 'policy.yaml');
  await writeFile(file, `apiVersion: policy.godwit.dev/v1alpha1\nkind: Policy\nmetadata: { name: bad }\n${spec}\n`);
  for (const verb of ['check', 'apply']) expectFault(await run('policy', verb, file), 2, place);
  expect(await run('policy', 'show')).toEqual(inForce);
  await expectNothingChanged();
});

describe('messages', () => {
  const oversized = JSON.stringify({ workload: 'x'.repeat(900_000) });
  const header = { migration: 'm-0123456789abcdef', epoch: 1, term: 1, deadlineAt: 1 };
  const faults = [
    ['no JSON', 'move it!', /not JSON/],
    ['an array', '[]', /\(root\): /],
    ['wrong types', JSON.stringify({ ...header, workload: 7, epoch: 'one' }), /workload: /],
    ['far too long', oversized, /workload: /],
  ] as const;

  test.each(faults)('to the decider: %s', async (_, text, sentence) => {
    const reply = await fleet.operator.request(migrateRequestSubject, text, { timeout: 5000 });
    const { ok, error } = reply.json<{ ok: boolean; error: { code: string; message: string } }>();
    expect({ ok, code: error.code }).toEqual({ ok: false, code: 'E_INPUT' });
    expect(error.message).toMatch(sentence);
    expect(error.message.length).toBeLessThan(500);
    await expectNothingChanged();
  });

  test.each(faults)('to an agent: %s', async (_, text, sentence) => {
    const migrator = await fleet.connectMigrator('cloud-1');
    for (const verb of ['prepare', 'release', 'fly']) {
      const reply = await migrator.request(nodeSubject('edge-1', verb), text, { timeout: 5000 });
      const { ok, error } = reply.json<{ ok: boolean; error: { code: string; message: string } }>();
      expect({ ok, code: error.code }).toEqual({ ok: false, code: 'E_INPUT' });
      if (verb === 'prepare') expect(error.message).toMatch(sentence);
      expect(error.message.length).toBeLessThan(500);
    }
    await expectNothingChanged();
  });

  test('into the streams: they are passed over', async () => {
    const decider = jetstream(await fleet.connect('decider'), viaHub());
    for (const [index, [, text]] of faults.entries())
      await decider.publish(commandSubject('plant', `m-bad${index}`), text);
    await expectNothingChanged();
  });
});

describe('a container that can not be checkpointed', () => {
  type Oci = {
    process: { terminal: boolean; env: string[] };
    root: { path: string };
    mounts: object[];
    linux: { seccomp?: object; devices?: object[]; resources?: object };
  };
  const holds = (path: string): string =>
    `--import=data:text/javascript;base64,${Buffer.from(`import { openSync } from 'node:fs'; openSync('${path}', 'r+');`).toString('base64')}`;

  /** Plain runc runs the counter with a configuration that it has been given. */
  async function plain(name: string, change: (oci: Oci) => void, foreground?: string): Promise<void> {
    const oci = JSON.parse(
      await readFile(join(fleet.node('edge-1').root, 'opt/bundles/counter/config.json'), 'utf8'),
    ) as Oci;
    oci.root.path = '/opt/bundles/counter/rootfs';
    oci.process.env.push('MIB=1');
    change(oci);
    const folder = join(fleet.node('edge-1').root, 'run', name);
    await mkdir(folder);
    await writeFile(join(folder, 'config.json'), JSON.stringify(oci));
    const silent = '</dev/null >/dev/null 2>&1';
    const start = foreground
      ? `${foreground} ${silent} &`
      : `runc run --detach --bundle /run/${name} ${name} ${silent}`;
    await fleet.exec('edge-1', ['/bin/sh', '-c', start]);
    await untilReported(fleet, name, 'edge-1');
  }

  const ioUring = '/proc/sys/kernel/io_uring_disabled';
  let allowed: string;
  beforeAll(async () => {
    allowed = await readFile(ioUring, 'utf8');
    await writeFile(ioUring, '0');
  });
  afterAll(() => writeFile(ioUring, allowed));

  test.each([
    [
      'with a terminal',
      'tty',
      (oci: Oci) => {
        oci.process.terminal = true;
        const options = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'];
        oci.mounts.push({ destination: '/dev/pts', type: 'devpts', source: 'devpts', options });
      },
      /terminal/,
    ],
    [
      'that uses io_uring',
      'ring',
      (oci: Oci) => {
        delete oci.linux.seccomp;
        oci.process.env.push('UV_USE_IO_URING=1');
      },
      /io_uring/,
    ],
    [
      'that holds a device',
      'device',
      (oci: Oci) => {
        const fuse = { type: 'c', major: 10, minor: 229 };
        oci.linux.devices = [{ ...fuse, path: '/dev/fuse', fileMode: 0o666 }];
        oci.linux.resources = { devices: [{ ...fuse, allow: true, access: 'rwm' }] };
        oci.process.env.push(`NODE_OPTIONS=${holds('/dev/fuse')}`);
      },
      /device \/dev\/fuse/,
    ],
  ] as const)('%s is refused, with the reason', async (_, name, change, reason) => {
    const inTerminal = `setsid script -qfc 'runc run --bundle /run/${name} ${name}' /dev/null`;
    await plain(name, change, name === 'tty' ? inTerminal : undefined);
    const nodes = await openStore(fleet.operator, 'nodes', nodeRecordSchema, fleet.log);
    await until(`${name} to be found unmovable`, 15_000, async () => {
      const found = (await nodes.get('edge-1'))?.value.workloads.find((one) => one.name === name);
      return reason.test(found?.obstacle ?? '') || undefined;
    });
    expectFault(await run('migrate', name, '--to', 'cloud-1'), 4, reason);
    expect(await liveOn(fleet.workers, name)).toEqual(['edge-1']);
    await expectNothingChanged();
    await fleet.exec('edge-1', ['runc', 'delete', '--force', name]);
  });
});

test('after all of that a move goes as ever', async () => {
  const end = await move(fleet, { workload: 'shop', target: 'cloud-1' });
  expect(end).toMatchObject({ result: 'succeeded' });
  expect((await selfOf(workload)).nonce).toBe(before.nonce);
});
