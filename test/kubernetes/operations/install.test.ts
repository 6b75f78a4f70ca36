import { join, resolve } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { objectSchema, podsOf as podOfManifest } from '../../../k8s/manifests/read.fixtures.ts';
import { migrationSchema } from '../../../k8s/objects/migration.ts';
import { registry } from '../../../lab/kubernetes/plan.ts';
import { exists } from '../../../lib/files.ts';
import {
  type Installation,
  image,
  imageArchive,
  isReady,
  overlay,
  prefix,
  prepareInstallation,
  workers,
} from '../../helpers/installation.ts';
import { clusterObstacle } from '../../helpers/kubernetes.ts';
import { selfOfPod } from '../../helpers/pod-answers.ts';
import { until } from '../../helpers/until.ts';
import { sh } from '../../integration/lab-helpers.ts';

const manifests = resolve(import.meta.dirname, '../../../k8s/manifests');
const system = 'godwit-system';
const decider = `--as=system:serviceaccount:${system}:godwit-decider`;

// brackets: else the shell itself is found as well
const groupsOfMigrator = `for pid in $(pgrep -f '[m]igrator/main.ts'); do cat /proc/$pid/cgroup; done`;
const rightsOfParts = `for pid in $(pgrep -f '[d]ecider/main.ts|[m]ain.ts hub|[n]ats-server'); do
  awk '/^(Uid|CapEff):/ { print $1, $2 }' /proc/$pid/status
done`;
const noImage = (await exists(imageArchive)) ? undefined : 'the container image is not built: make image';
const missing = (await clusterObstacle()) ?? noImage;

const edgeNode = (name: string, spec: object) => ({
  ...{ apiVersion: 'godwit.dev/v1alpha1', kind: 'EdgeNode', metadata: { name }, spec },
});
const edgeNodes = [
  edgeNode('edge-1', { tier: 'edge', site: 'plant', monitoring: 'sidecar' }),
  edgeNode('cloud-1', { tier: 'cloud', site: 'central' }),
];
const migration = (name: string, spec: object, namespace = 'default') => ({
  ...{ apiVersion: 'godwit.dev/v1alpha1', kind: 'Migration', metadata: { name, namespace } },
  spec: { pod: 'none', target: 'cloud-1', ...spec },
});
const env = Object.entries({ PATH: '/usr/bin:/bin', UV_USE_IO_URING: '0', PORT: '8080', MIB: '32' });
const counter = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'counter', namespace: 'default' } },
  spec: {
    selector: { matchLabels: { app: 'counter' } },
    template: {
      metadata: { labels: { app: 'counter' } },
      spec: {
        runtimeClassName: 'godwit',
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 100,
                preference: { matchExpressions: [{ key: 'godwit.dev/tier', operator: 'In', values: ['edge'] }] },
              },
            ],
          },
        },
        containers: [
          {
            name: 'main',
            image: `${registry}/counter:1`,
            env: env.map(([name, value]) => ({ name, value })),
            readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
};

describe('the overlay of the lab', () => {
  let installation: Installation;
  const kube: Installation['kube'] = (...args) => installation.kube(...args);

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (!missing) installation = await prepareInstallation();
  });
  afterAll(() => installation?.down());

  const readyPods = (part: string, count: number): Promise<V1Pod[]> =>
    until(`${count} of ${part} to be ready`, 120_000, async () => {
      const ready = (await installation.podsOf(part)).filter(isReady);
      return ready.length === count ? ready : undefined;
    });
  const logOf = ({ metadata }: V1Pod): Promise<string> =>
    installation.core.readNamespacedPodLog({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });
  const agentOf = async (node: string): Promise<V1Pod | undefined> => {
    const selection = { namespace: 'godwit-node', fieldSelector: `spec.nodeName=${node}` };
    return (await installation.core.listNamespacedPod(selection)).items[0];
  };

  test('is applied with the Secrets of its parts', async () => {
    await kube(['apply', '-f', join(manifests, 'base/namespaces.yaml')]);
    await kube(['apply', '-f', '-'], await installation.godwitPki('secrets'));
    await kube(['apply', '-k', overlay]);
  });

  test('brings the hub up, and the leaf of the site at the site', async () => {
    const [[hub], [leaf]] = await Promise.all([readyPods('godwit-hub', 1), readyPods('godwit-leaf', 1)]);
    expect(hub?.spec?.nodeName).toBe('cloud-1');
    expect(leaf?.spec?.nodeName).toBe('edge-1');
  });

  test('has the leaf linked to the hub with TLS: what the site says is sourced', async () => {
    const [hub] = await readyPods('godwit-hub', 1);
    await until(
      'the leaf to be known',
      60_000,
      async () => /"missing":\[\][^\n]*know the nodes/.test(await logOf(hub as V1Pod)) || undefined,
    );
  });

  test('brings two deciders up, of which one leads', async () => {
    const pods = await readyPods('godwit-decider', 2);
    await until('a leader', 60_000, async () => {
      const logs = await Promise.all(pods.map(logOf));
      return logs.some((text) => /lead/i.test(text)) || undefined;
    });
    // the hub was not there for them before its streams were
    const now = await installation.podsOf('godwit-decider');
    expect(now.map(({ status }) => status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0]);
  });

  test('brings two controllers up, of which one leads, and the policy of the ConfigMap into force', async () => {
    const pods = await readyPods('godwit-controller', 2);
    const lease = ['get', 'lease', 'godwit-controller', '-n', system, '-o', 'jsonpath={.spec.holderIdentity}'];
    const holder = await until('a leader', 60_000, async () => (await kube(lease)) || undefined);
    expect(holder).toMatch(/^godwit-controller-/);
    const accepted = 'jsonpath={.metadata.annotations.godwit\\.dev/accepted}';
    await until('the policy to be judged', 60_000, async () => {
      return (await kube(['get', 'configmap', 'godwit-policy', '-n', system, '-o', accepted])) === 'true' || undefined;
    });
    expect(pods.map(({ status }) => status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0]);
    for (const pod of pods) expect(await logOf(pod)).not.toMatch(/forbidden/i);
  });

  test('has processes that are somebody without rights', async () => {
    // hub and decider; what runs as somebody else stands in another line
    const told = await sh(installation.cluster.lab, 'cloud-1', rightsOfParts);
    expect([...new Set(told.trim().split('\n'))]).toEqual(['Uid: 65532', 'CapEff: 0000000000000000']);
  });

  test('brings the hub out of service when its server takes connections and answers nothing', async () => {
    const signal = (name: 'STOP' | 'CONT') =>
      sh(installation.cluster.lab, 'cloud-1', `kill -${name} $(pgrep -x nats-server)`);
    await signal('STOP');
    try {
      await until('the hub not to be ready', 30_000, async () => {
        return !(await installation.podsOf('godwit-hub')).some(isReady) || undefined;
      });
    } finally {
      await signal('CONT');
    }
    await readyPods('godwit-hub', 1);
  });

  test('has parts that Pod Security lets in where restricted is enforced, all but the agent', async () => {
    const objects = parseAllDocuments(await kube(['kustomize', overlay])).map((one) => objectSchema.parse(one.toJS()));
    const admitted: string[] = [];
    const refused: string[] = [];
    for (const object of objects) {
      const spec = podOfManifest({ ...object, file: '' });
      if (!spec) continue;
      // the pod alone: of its owner no more than a warning would be told
      const { serviceAccountName: _, priorityClassName: __, ...rest } = spec as typeof spec & Record<string, unknown>;
      const { name } = object.metadata;
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: `try-${name}`, namespace: system }, spec: rest };
      const said = await kube(['create', '--dry-run=server', '-f', '-'], pod).catch(({ message }: Error) => message);
      if (said.includes('violates PodSecurity "restricted')) refused.push(name);
      else expect(said).toContain(`pod/try-${name} created`);
      if (said.includes('created')) admitted.push(name);
    }
    expect(admitted.sort()).toEqual(['godwit-controller', 'godwit-decider', 'godwit-hub', 'godwit-leaf-plant']);
    expect(refused.sort()).toEqual(['godwit-agent-cloud-1', 'godwit-agent-edge-1']);
    const { items } = await installation.core.listNamespacedEvent({ namespace: system });
    expect(items.filter(({ message }) => message?.includes('violates PodSecurity'))).toEqual([]);
  });

  test('lets the decider alone name the id of a Migration, and people ask for moves by the roles that they have', async () => {
    const roles = { edit: 'ann', view: 'bob' };
    for (const [role, user] of Object.entries(roles))
      await kube(['create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${user}`, '--namespace=default']);
    const make = (who: string[], spec: object): [string[], object] => [
      ['create', '--dry-run=server', '-f', '-', ...who],
      migration('m-1', spec),
    ];
    const id = { id: 'm-1' };
    await until('the policy to be in force', 30_000, async () => {
      const said = await installation.refusal(...make(['--as=ann'], id)).catch(() => '');
      return said.includes('spec.id is given by the decider alone') || undefined;
    });
    expect(await kube(...make(['--as=ann'], {}))).toContain('created');
    expect(await kube(...make([decider], id))).toContain('created');
    expect(await kube(...make([], id))).toContain('created');
    expect(await installation.refusal(...make(['--as=bob'], {}))).toContain('is forbidden');
    expect(await kube(['get', 'migrations', '--as=bob'])).toBe('');
    const may = (verb: string, who: string): Promise<string> =>
      kube(['auth', 'can-i', verb, 'migrations.godwit.dev', who]).catch(() => 'no');
    expect([await may('delete', '--as=ann'), await may('delete', '--as=bob')]).toEqual(['yes', 'no']);
    expect([await may('identify', decider), await may('identify', '--as=ann')]).toEqual(['yes', 'no']);
  });

  test('has an agent on each node, in groups that do not end with its pod', async () => {
    for (const node of workers) {
      const log = await until(`the agent of ${node}`, 120_000, async () => {
        const pod = await agentOf(node);
        const text = pod ? await logOf(pod) : '';
        return text.includes('migrator ready') ? text : undefined;
      });
      expect(log).toContain('containerd has to be restarted');
      const groups = await sh(installation.cluster.lab, node, groupsOfMigrator);
      expect(groups).toContain('/godwit\n');
      expect(groups).not.toContain('kubepods');
    }
  });

  test('has agents whose pods outlive a restart of containerd, which then knows pods that can move', async () => {
    for (const node of workers) await installation.restartContainerd(node);
    await kube(['apply', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'List',
      items: [...edgeNodes, counter],
    });
    await kube(['rollout', 'status', 'deployment/counter', '--timeout=90s']);
    const tasks = '/run/containerd/io.containerd.runtime.v2.task/k8s.io';
    expect(await sh(installation.cluster.lab, 'edge-1', `cat ${tasks}/*/runtime`)).toContain(
      `${prefix}/.cache/bin/godwit-runtime`,
    );
    for (const node of workers) expect((await agentOf(node))?.status?.containerStatuses?.[0]?.restartCount).toBe(0);
    await kube(['wait', '--for=condition=Ready', 'edgenode', '--all', '--timeout=90s']);
  });

  /** The one pod of the Deployment. */
  const podOfCounter = (): Promise<V1Pod> =>
    until('one pod of counter', 60_000, async () => {
      const { items } = await installation.core.listNamespacedPod({
        namespace: 'default',
        labelSelector: 'app=counter',
      });
      return items.length === 1 && items[0] && isReady(items[0]) ? items[0] : undefined;
    });
  const selfOf = ({ status }: V1Pod) => selfOfPod(installation.cluster.lab.name, 'hub', status?.podIP ?? '');
  const statusOf = async (name: string, namespace = 'default') => {
    const text = await kube(['get', 'migration', name, `--namespace=${namespace}`, '-o', 'json']);
    return migrationSchema.parse(JSON.parse(text)).status;
  };
  const ended = (name: string, namespace?: string) =>
    until(`Migration ${name} to end`, 120_000, async () => {
      const status = await statusOf(name, namespace);
      return status?.conditions?.some(({ type, status: is }) => type === 'Completed' && is === 'True')
        ? status
        : undefined;
    });

  test('moves a pod of a Deployment to the cloud and home: the same process, in one owner', async () => {
    let pod = await podOfCounter();
    expect(pod.spec?.nodeName).toBe('edge-1');
    const owner = pod.metadata?.ownerReferences?.[0]?.uid;
    let before = await selfOf(pod);
    for (const target of ['cloud-1', 'edge-1']) {
      const name = `to-${target}`;
      await kube(['create', '-f', '-'], migration(name, { pod: pod.metadata?.name, target }));
      const status = await ended(name);
      expect(status).toMatchObject({ phase: 'Succeeded', path: 'runtime' });
      console.log(
        `to ${target}: freeze ${Math.round(status.freezeMs ?? 0)} ms, total ${Math.round(status.totalMs ?? 0)} ms`,
      );
      pod = await podOfCounter();
      expect(pod.spec?.nodeName).toBe(target);
      expect(pod.metadata?.ownerReferences?.[0]?.uid).toBe(owner);
      const self = await selfOf(pod);
      expect(self).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
      expect(self.counter).toBeGreaterThan(before.counter);
      before = self;
    }
  });

  test('gives new pods on a node of mode sidecar a monitor of their own, which its node lets in', async () => {
    const labels = { 'godwit.dev/inject': 'enabled' };
    await kube(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plant', labels } });
    const [container] = counter.spec.template.spec.containers;
    const spec = { nodeName: 'edge-1', terminationGracePeriodSeconds: 0, containers: [container] };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'seen', namespace: 'plant' }, spec };
    const nodes = ['get', 'configmap', 'godwit-injection', '-n', system, '-o', 'jsonpath={.data.nodes}'];
    await until('the node to be listed', 30_000, async () => (await kube(nodes)) === 'edge-1' || undefined);
    const sidecars = async (): Promise<string> =>
      kube(['create', '--dry-run=server', '-f', '-', '-o', 'jsonpath={.spec.initContainers[*].image}'], pod);
    await until('the policy to inject', 30_000, async () => (await sidecars()) === `${registry}/${image}` || undefined);
    await kube(['create', '-f', '-'], pod);
    await kube(['wait', '--for=condition=Ready', 'pod/seen', '--namespace=plant', '--timeout=90s']);
    await until('the sidecar to sample', 60_000, async () => {
      const log = await kube(['logs', 'seen', '--container=godwit-monitor', '--namespace=plant']);
      return log.includes('"msg":"sampling"') || undefined;
    });
    await kube(['delete', 'namespace', 'plant', '--timeout=60s']);
  });

  test('refuses a Migration whose id another namespace has already, and the first one goes on', async () => {
    const pod = await podOfCounter();
    const before = await selfOf(pod);
    const first = migration('m-twice', { id: 'm-twice', pod: pod.metadata?.name });
    const second = migration('m-twice', { id: 'm-twice', pod: 'other' }, 'other');
    await kube(['create', 'namespace', 'other']);
    await kube(['create', '-f', '-'], first);
    await until('the first one to be taken up', 60_000, async () => (await statusOf('m-twice'))?.phase);
    await kube(['create', '-f', '-'], second);
    expect(await ended('m-twice', 'other')).toMatchObject({
      phase: 'Refused',
      reason: 'Migration default/m-twice has this id',
    });
    expect(await ended('m-twice')).toMatchObject({ phase: 'Succeeded' });
    expect(await selfOf(await podOfCounter())).toMatchObject({ nonce: before.nonce });
  });

  test('is taken away without a trace, also with a move under way', async () => {
    const pod = await podOfCounter();
    await kube(['create', '-f', '-'], migration('last', { pod: pod.metadata?.name, target: 'edge-1' }));
    await until(
      'a finalizer',
      60_000,
      async () => (await kube(['get', 'migration', 'last', '-o', 'jsonpath={.metadata.finalizers}'])) || undefined,
    );
    await kube(['delete', 'migrations', '--all', '--all-namespaces', '--timeout=90s']);
    expect((await podOfCounter()).status?.containerStatuses?.[0]?.restartCount).toBe(0);

    await kube(['delete', '-k', overlay, '--wait=true', '--timeout=120s']);
    const { items } = await installation.core.listNamespace();
    expect(items.map(({ metadata }) => metadata?.name).filter((one) => one?.startsWith('godwit'))).toEqual([]);
    const kinds = [
      ...['clusterroles', 'clusterrolebindings', 'runtimeclasses', 'customresourcedefinitions'],
      ...['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
      ...['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'mutatingwebhookconfigurations'],
    ];
    const left = (await kube(['get', kinds.join(), '--output=name'])).split('\n');
    expect(left.filter((line) => line.includes('godwit'))).toEqual([]);
    // the pod of the Deployment still runs on one of them: the runtime has made it, and will have to end it
    const nodeOfPod = (await podOfCounter()).spec?.nodeName;
    for (const node of workers)
      expect([node, await installation.leftOn(node)]).toEqual([node, node === nodeOfPod ? [prefix] : []]);
  });
});
