import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { buildClusterProgram } from '../../../cli/program/cluster.ts';
import { createKubeClient, type KubeClient } from '../../../k8s/client.ts';
import { loadPersonalKubeConfig } from '../../../k8s/kubeconfig.ts';
import { leaseObjects } from '../../../k8s/lease.ts';
import { type Resource, resources } from '../../../k8s/resource.ts';
import type { Cluster } from '../../../lab/kubernetes/cluster.ts';
import { registry } from '../../../lab/kubernetes/plan.ts';
import { pauseImage } from '../../../lab/kubernetes/worker.ts';
import { labDown } from '../../../lab/lab.ts';
import { systemClock } from '../../../lib/clock.ts';
import { leaseName, systemNamespace } from '../../../sidecar/config.ts';
import { configMapSchema, judgePolicy, notesOn } from '../../../sidecar/policy/judge.ts';
import { type GodwitResult, godwit as runGodwit } from '../../helpers/godwit.ts';
import { clusterObstacle, testClusterUp } from '../../helpers/kubernetes.ts';
import { until } from '../../helpers/until.ts';

const gib = 2 ** 30;
const name = `test-${randomBytes(4).toString('hex')}`;
const bin = resolve(import.meta.dirname, '../../../bin');
const crds = resolve(import.meta.dirname, '../../../k8s/manifests/crds');
const spec = {
  name,
  nodes: [
    { name: 'hub', kind: 'hub' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
    { name: 'edge-1', kind: 'edge' as const, site: 'plant', cores: 1, memoryBytes: gib },
    { name: 'cloud-1', kind: 'cloud' as const, site: 'central', cores: 1, memoryBytes: gib },
  ],
};

/** Why the cluster can not be raised here. */
const missing = await clusterObstacle();

const namespace = 'shop';

describe('kubectl godwit', () => {
  let cluster: Cluster;
  let client: KubeClient;

  /** kubectl of this machine, with our folder on its search path. */
  async function kubectl(args: readonly string[], input?: string): Promise<GodwitResult> {
    const [program = '', ...first] = cluster.kubectl.split(' ');
    const env = { PATH: `${bin}:${process.env.PATH}`, KUBECONFIG: cluster.kubeconfig };
    const options = { env, timeout: 120_000, reject: false, ...(input !== undefined && { input }) };
    const { exitCode = -1, stdout, stderr } = await execa(program, [...first, ...args], options);
    return { exitCode, stdout: `${stdout}`, stderr: `${stderr}` };
  }
  /** The plugin itself, as kubectl runs it. */
  const plugin = (...args: string[]): Promise<GodwitResult> => kubectl(['godwit', ...args]);
  /** The same command line in this process: starting Node for each call would take most of the time. */
  const godwit = async (...args: string[]): Promise<GodwitResult> => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    const { stdout, stderr, exitCode } = await runGodwit(args, { env, build: buildClusterProgram });
    return { exitCode, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
  };
  const inShop = (...args: string[]): Promise<GodwitResult> => godwit('--namespace', namespace, ...args);

  const applied = async (...objects: object[]): Promise<void> => {
    const { exitCode, stderr } = await kubectl(
      ['apply', '-f', '-'],
      objects.map((one) => stringify(one)).join('---\n'),
    );
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  };
  /** As a controller would say it. */
  const say = (resource: Resource, name: string, status: object) =>
    client.patch(
      resource,
      { name, ...(resource.namespaced && { namespace }) },
      { kind: 'merge', body: { status } },
      { subresource: 'status' },
    );
  const migrationNames = async (): Promise<string[]> => {
    const { items } = await client.list(resources.migrations, { namespace });
    return items.map((item) => (item as { metadata: { name: string } }).metadata.name);
  };
  /** The one migration that is not there in `before`. */
  const newMigration = (before: readonly string[]): Promise<string> =>
    until('the Migration', 60_000, async () => (await migrationNames()).find((one) => !before.includes(one)));

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    cluster = await testClusterUp(spec);
    client = createKubeClient(loadPersonalKubeConfig({ path: cluster.kubeconfig, env: {} }).config);
  });
  afterAll(() => labDown(name));

  test('before anything is installed doctor says so, and other verbs name what is missing', async () => {
    const doctor = await plugin('doctor', '-o', 'json');
    expect(doctor.exitCode).toBe(1);
    expect(statesOf(doctor)).toMatchObject({
      ...{ controllers: 'fault', definitions: 'fault', RuntimeClass: 'warning' },
      ...{ 'admission policies': 'ok', 'node edge-1': 'ok', 'node cloud-1': 'ok' },
    });
    expect(doctor.stdout).toMatch(/kubelet v1\.36\.\d+, containerd 2\.1\.9\S*: image path"/);
    const get = await godwit('get', 'nodes');
    expect(get).toMatchObject({ exitCode: 1, stdout: '' });
    expect(get.stderr).toMatch(/definitions are not installed in this cluster\nnext: kubectl godwit doctor/);
  });

  test('kubectl finds it, and its help has only what makes sense in a cluster', async () => {
    expect((await kubectl(['plugin', 'list'])).stdout).toContain(`${bin}/kubectl-godwit`);
    const help = await plugin('--help');
    expect(help.exitCode).toBe(0);
    expect(help.stdout.match(/^ {2}[a-z]+/gm)).toEqual(
      ['get', 'describe', 'doctor', 'migrate', 'cancel', 'policy'].map((verb) => `  ${verb}`),
    );
    const hub = await plugin('hub');
    expect(hub.exitCode).toBe(2);
    expect(hub.stderr).toMatch(/unknown command 'hub'.*\nnext: kubectl godwit --help/);
  });

  test('lists and describes nodes and workloads', async () => {
    expect((await kubectl(['apply', '-k', crds])).exitCode).toBe(0);
    await until('the definitions', 30_000, () => client.list(resources.migrations, {}));
    await applied(
      ...[namespace, systemNamespace].map((name) => ({ ...of('v1', 'Namespace'), metadata: { name } })),
      { ...of('node.k8s.io/v1', 'RuntimeClass'), metadata: { name: 'godwit' }, handler: 'runc' },
      edgeNode('edge-1', 'edge', 'plant'),
      edgeNode('cloud-1', 'cloud', 'central'),
    );
    await applied(
      pod('movable', { runtimeClassName: 'godwit' }),
      pod('plain', {}),
      pod('held', { runtimeClassName: 'godwit' }, { app: 'held' }),
    );
    await until('the pods to run', 120_000, async () => {
      const { items } = await client.list(resources.pods, { namespace, fieldSelector: 'status.phase=Running' });
      return items.length === 3 || undefined;
    });
    const { stdout: table } = await inShop('get', 'workloads', '-o', 'wide');
    expect(cellsOf(table)).toMatchObject([
      ['NAME', 'NODE', 'STATUS', 'HOME', 'KEEPS', 'STRATEGY', 'MOVABLE', ...Array(5).fill(expect.any(String))],
      ['held', 'edge-1', 'Running', 'edge-1', 'memory', 'auto', 'yes', ...Array(5).fill(expect.any(String))],
      ['movable', 'edge-1', 'Running', 'edge-1', 'memory', 'auto', 'yes', ...Array(5).fill(expect.any(String))],
      ['plain', 'edge-1', 'Running', 'edge-1', 'memory', 'auto', 'no', ...Array(5).fill(expect.any(String))],
    ]);
    expect(table).toMatch(/^plain.*its runtimeClassName is not set, not godwit/m);
    expect((await godwit('get', 'workloads', '-A', '--no-headers')).stdout).toMatch(/^shop +held/m);

    const ready = { type: 'Ready', status: 'True', reason: 'AgentReports', message: 'node and agent are there' };
    const monitored = { type: 'Monitored', status: 'True', reason: 'Sampled', message: 'samples every 1000 ms' };
    const at = { lastTransitionTime: '2026-05-01T12:00:00Z' };
    const conditions = [ready, monitored].map((one) => ({ ...one, ...at }));
    await say(resources.edgeNodes, 'edge-1', { conditions, pods: 3, workloads: 3, versions: { criu: '4.2.1' } });
    expect((await godwit('get', 'no', '-o', 'name')).stdout).toBe('node/cloud-1\nnode/edge-1');
    expect(cellsOf((await godwit('get', 'nodes', 'edge-1', '--no-headers')).stdout)[0]).toMatchObject([
      ...['edge-1', 'Ready', 'plant', 'edge', 'node', 'True', '3', '3'],
      expect.stringMatching(/^\d+[smh]$/),
    ]);
    const described = await godwit('describe', 'node', 'edge-1');
    expect(described.stdout).toMatch(/Versions: +criu 4\.2\.1[\s\S]*Ready: +True, AgentReports[\s\S]*shop\/movable: /);
    const unknown = await godwit('describe', 'node', 'edge-l');
    expect(unknown).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unknown.stderr).toContain('there is no EdgeNode "edge-l"; did you mean edge-1?');
  });

  test('refuses what can not move, with one sentence, and makes nothing', async () => {
    const plain = await inShop('migrate', 'plain', '--to', 'cloud-1', '--strategy', 'restart');
    expect(plain).toMatchObject({ exitCode: 4, stdout: '' });
    expect(plain.stderr).toMatch(/^error: pod plain is not moved, nothing was done: .*runtimeClassName.*\nnext: .*$/);
    const home = await inShop('migrate', 'movable', '--to', 'edge-1');
    expect(home).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('runs there already') });
    const nowhere = await inShop('migrate', 'movable', '--to', 'cloud-2');
    expect(nowhere).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('did you mean cloud-1?') });
    const nobody = await inShop('migrate', 'movabel', '--to', 'cloud-1');
    expect(nobody).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('did you mean movable?') });
    const noTarget = await inShop('migrate', 'movable');
    expect(noTarget).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("'--to <node>' not specified") });
    const strange = await inShop('migrate', 'movable', '--to', 'cloud-1', '--strategy', 'hot');
    expect(strange).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('there is no strategy "hot"') });
    expect(await migrationNames()).toEqual([]);
  });

  test('a dry run tells preflight, disruption budgets and the API server, and makes nothing', async () => {
    await applied({
      ...of('policy/v1', 'PodDisruptionBudget'),
      metadata: { name: 'held', namespace },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'held' } } },
    });
    const good = await inShop('migrate', 'movable', '--to', 'cloud-1', '--dry-run', '-o', 'json');
    expect(statesOf(good)).toEqual({
      ...{ 'pod shop/movable': 'ok', 'source edge-1': 'ok', 'target cloud-1': 'ok' },
      ...{ 'eviction shop/movable': 'ok', 'API server': 'ok' },
    });
    expect(good.exitCode).toBe(0);
    const held = await inShop('migrate', 'held', '--to', 'cloud-1', '--dry-run', '-o', 'json');
    expect(statesOf(held)).toMatchObject({ 'pod shop/held': 'ok', 'eviction shop/held': 'fault', 'API server': 'ok' });
    expect(held.exitCode).toBe(4);
    expect(await migrationNames()).toEqual([]);
  });

  test('migrate makes a Migration; waiting ends by time, or with what the controllers say', async () => {
    const line = ['-n', namespace, 'migrate', 'movable', '--to', 'cloud-1', '--strategy', 'cold', '--wait'];
    const alone = await plugin(...line, '--timeout', '1s');
    const [first = ''] = await migrationNames();
    expect(alone).toMatchObject({ exitCode: 3, stdout: '' });
    expect(alone.stderr).toContain(`migration ${first} has not ended after 1.00s: no controller has taken it up`);
    expect(await client.get(resources.migrations, { namespace, name: first })).toMatchObject({
      spec: { pod: 'movable', target: 'cloud-1', strategy: 'cold', trigger: 'manual' },
    });
    const outcomes = [
      { phase: 'Succeeded', exitCode: 0 },
      { phase: 'Refused', exitCode: 4 },
      { phase: 'RolledBack', exitCode: 1 },
    ];
    const stop = new AbortController();
    const watch = runGodwit(['get', 'migrations', '-n', namespace, '--watch', '-o', 'json'], {
      ...{ env: { KUBECONFIG: cluster.kubeconfig }, build: buildClusterProgram, signal: stop.signal },
      onOut: (said) => said.includes('"phase":"RolledBack"') && stop.abort(),
    });
    for (const { phase, exitCode } of outcomes) {
      const before = await migrationNames();
      const waiting = inShop('migrate', 'movable', '--to', 'cloud-1', '--wait', '--timeout', '2m');
      const made = await newMigration(before);
      await say(resources.migrations, made, { phase: 'Running', stage: 'dump', source: 'edge-1' });
      await say(resources.migrations, made, { phase, freezeMs: 84.6, reason: `because ${phase}` });
      const { stdout, stderr, exitCode: seen } = await waiting;
      expect({ stdout, seen }).toEqual({ stdout: `migration/${made}`, seen: exitCode });
      expect(stderr).toContain(`${phase}: because ${phase}`);
    }
    const watched = (await watch).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Seen);
    expect(watched.flatMap(({ status }) => status?.phase ?? [])).toEqual(
      outcomes.flatMap(({ phase }) => ['Running', phase]),
    );
    const listed = await inShop('get', 'migrations', '-o', 'json');
    expect(JSON.parse(listed.stdout).map(({ status }: Seen) => status?.phase)).toHaveLength(4);
    const described = await inShop('describe', 'migration', first);
    expect(described.stdout).toMatch(/Migration: +shop\/movable-[0-9a-f]{8}\n[\s\S]*Phase: +Unseen/);
  });

  test('cancel deletes what has not gone too far', async () => {
    const status = { phase: 'Running', stage: 'run', source: 'edge-1', targetPod: 'movable-m1' };
    const committed = { type: 'Committed', status: 'True', reason: 'Committed', message: 'the copy has the lead' };
    const [open, late] = ['open', 'late'];
    for (const one of [open, late]) {
      const object = { metadata: { name: one, namespace }, spec: { pod: 'movable', target: 'cloud-1' } };
      await client.create(resources.migrations, object);
    }
    const conditions = [{ ...committed, lastTransitionTime: '2026-05-01T12:00:00Z' }];
    await say(resources.migrations, late, { ...status, conditions });
    const refused = await inShop('cancel', late);
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
    expect(refused.stderr).toContain('is committed: the copy on cloud-1 has the lead');
    expect(refused.stderr).toContain('kubectl godwit migrate movable-m1 --to edge-1 --namespace shop');
    const done = await plugin('cancel', open, '-n', namespace, '--wait', '--timeout', '1m');
    expect(done).toMatchObject({ exitCode: 0, stdout: `migration/${open}` });
    const unknown = await inShop('cancel', open);
    expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('there is no migration "open"') });
    expect(await migrationNames()).toContain(late);
  });

  test('policy apply waits for the controllers, and show tells what they say', async () => {
    const key = { namespace: systemNamespace, name: 'godwit-policy' };
    const alone = await kubectl(['godwit', 'policy', 'apply', '-', '--timeout', '500ms'], policy('one'));
    expect(alone).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('no controller has put it into force'),
    });
    const waiting = kubectl(['godwit', 'policy', 'apply', '-', '--timeout', '2m'], policy('two'));
    const judged = await until('the ConfigMap', 60_000, async () => {
      const configMap = configMapSchema.parse(await client.get(resources.configMaps, key));
      const judgement = judgePolicy(configMap);
      return judgement.ok && judgement.policy.name === 'two' ? judgement : undefined;
    });
    const patch = { kind: 'merge' as const, body: { metadata: { annotations: notesOn(judged) } } };
    await client.patch(resources.configMaps, key, patch);
    const { version } = judged.policy;
    expect(await waiting).toMatchObject({ exitCode: 0, stdout: `policy/two ${version}` });
    const bad = await kubectl(['godwit', 'policy', 'apply', '-'], policy('three').replace('{}', '{ wrong: 1 }'));
    expect(bad).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('spec.wrong: unknown field') });
    const shown = await godwit('policy', 'show');
    expect(parse(shown.stdout)).toMatchObject({ metadata: { name: 'two' } });
    expect(shown).toMatchObject({ exitCode: 0, stderr: `In force: two, version ${version}` });
  });

  test('doctor tells a Lease that is renewed from one that is not, and of each workload whether it can move', async () => {
    const store = leaseObjects(client, { namespace: systemNamespace, leaseMs: 2000, clock: systemClock });
    let value = { holder: 'controller-1', epoch: 3, renewals: 0 };
    let revision = await store.create(leaseName, value);
    const stale = await godwit('doctor', '-o', 'json');
    expect(stale.exitCode).toBe(1);
    expect(foundOf(stale).controllers).toMatch(/^controller-1 has not renewed the Lease since 20/);

    const stop = new AbortController();
    const renewing = (async () => {
      while (!stop.signal.aborted) {
        value = { ...value, renewals: value.renewals + 1 };
        revision = await store.update(leaseName, value, revision);
        await systemClock.sleep(200, { signal: stop.signal }).catch(() => undefined);
      }
    })();
    const fresh = await godwit('doctor', '-o', 'json').finally(() => stop.abort());
    await renewing;
    expect(foundOf(fresh)).toMatchObject({
      controllers: 'controller-1 leads, epoch 3',
      RuntimeClass: 'godwit, handler runc',
      policy: expect.stringMatching(/^two, version .* is in force$/),
      'node edge-1': expect.stringMatching(/: runtime path; image path$/),
      'EdgeNode edge-1': 'edge, site plant: agent and monitor report',
      'programs of edge-1': 'criu 4.2.1',
      'EdgeNode cloud-1': 'no controller has looked at it yet',
      'workload shop/movable': 'can move, strategy auto',
      'workload shop/plain': expect.stringMatching(/^can not move: its runtimeClassName is not set/),
    });
    expect(fresh.exitCode).toBe(0);
  });

  test('somebody without rights is told which one is missing', async () => {
    expect((await kubectl(['create', 'serviceaccount', 'nobody', '-n', namespace])).exitCode).toBe(0);
    const token = (await kubectl(['create', 'token', 'nobody', '-n', namespace])).stdout;
    const config = parse((await kubectl(['config', 'view', '--raw', '-o', 'yaml'])).stdout);
    const mine = { ...config, users: [{ name: config.users[0].name, user: { token } }] };
    const file = `${cluster.kubeconfig}.nobody`;
    await writeFile(file, stringify(mine), { mode: 0o600 });
    const get = await godwit('get', 'migrations', '-n', namespace, '--kubeconfig', file);
    expect(get).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('cannot list resource') });
    const doctor = await godwit('doctor', '-o', 'json', '--kubeconfig', file);
    expect(statesOf(doctor)).toMatchObject({ nodes: 'warning', EdgeNodes: 'warning', controllers: 'warning' });
  });

  test('kubectl completes verbs, and the names of what there is', async () => {
    const complete = async (...line: string[]): Promise<string[]> =>
      (await kubectl(['__complete', 'godwit', ...line])).stdout.split('\n');
    expect(await complete('mi')).toEqual(['migrate', ':4']);
    expect(await complete('-n', namespace, 'migrate', 'mo')).toEqual(['movable', ':4']);
    expect(await complete('migrate', 'movable', '--to', '')).toEqual(['cloud-1', 'edge-1', ':4']);
  });
});

interface Seen {
  status?: { phase?: string };
}

interface Finding {
  check: string;
  state: string;
  found: string;
}
const findingsOf = ({ stdout }: GodwitResult): Finding[] => JSON.parse(stdout);
const statesOf = (answer: GodwitResult) =>
  Object.fromEntries(findingsOf(answer).map(({ check, state }) => [check, state]));
const foundOf = (answer: GodwitResult) =>
  Object.fromEntries(findingsOf(answer).map(({ check, found }) => [check, found]));

const cellsOf = (table: string): string[][] => table.split('\n').map((line) => line.split(/ {3,}/));

const of = (apiVersion: string, kind: string) => ({ apiVersion, kind });

const edgeNode = (name: string, tier: string, site: string): object => ({
  ...of('godwit.dev/v1alpha1', 'EdgeNode'),
  metadata: { name },
  spec: { tier, site },
});

const pod = (name: string, spec: object, labels: Record<string, string> = {}): object => ({
  ...of('v1', 'Pod'),
  metadata: { name, namespace, labels },
  spec: {
    nodeName: 'edge-1',
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: `${registry}/${pauseImage.name}` }],
    ...spec,
  },
});

const policy = (name: string): string =>
  `apiVersion: policy.godwit.dev/v1alpha1\nkind: Policy\nmetadata: { name: ${name} }\nspec: {}\n`;
