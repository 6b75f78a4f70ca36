import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../k8s/objects/pod.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { counterImage } from '../helpers/counter-image.ts';
import type { TestFleet } from '../helpers/fleet.ts';
import { rootOfPod } from '../helpers/pod-facts.ts';
import { withPodFleet } from '../helpers/pod-fleet.ts';
import { expectNoTwin, type PodObjects } from '../helpers/pod-objects.ts';
import { until } from '../helpers/until.ts';

const tokenPath = 'var/run/secrets/kubernetes.io/serviceaccount/token';
const image = `${registry}/${counterImage}`;

describe('what a pod may have', () => {
  let fleet: TestFleet;
  let pods: PodObjects;

  withPodFleet({ gates: false }, (raised) => {
    ({ fleet, pods } = raised);
  });

  const rootOf = (pod: Pod): Promise<string> => rootOfPod(fleet.node(pod.spec.nodeName ?? ''), pod.metadata.uid);

  test('volumes of all movable kinds, a token, probes and init containers: it moves there and home as the same process', async () => {
    await pods.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour: 'blue' } });
    await pods.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, stringData: { pin: '1234' } });
    const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1, failureThreshold: 10 };
    const initProgram = "require('node:fs').writeFileSync('/plain/seed', 'sown')";
    const mounts = { settings: '/settings', key: '/key', plain: '/plain', memory: '/memory', facts: '/facts' };
    const podName = { path: 'name', fieldRef: { fieldPath: 'metadata.name' } };
    let [pod] = [
      await pods.deploy('laden', {
        automountServiceAccountToken: true,
        container: {
          livenessProbe: probe,
          startupProbe: probe,
          volumeMounts: Object.entries(mounts).map(([name, mountPath]) => ({ name, mountPath })),
          resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '512Mi' } },
        },
        initContainers: [
          {
            ...{ name: 'sow', image, command: ['/usr/bin/node', '-e', initProgram] },
            volumeMounts: [
              { name: 'plain', mountPath: '/plain' },
              { name: 'host', mountPath: '/host' },
            ],
          },
        ],
        volumes: [
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'key', secret: { secretName: 'key' } },
          { name: 'plain', emptyDir: {} },
          { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
          { name: 'facts', downwardAPI: { items: [podName] } },
          { name: 'host', hostPath: { path: '/etc' } },
        ],
      }),
    ];
    const before = await pods.selfOf(pod);
    const beats = pods.watch('laden');
    await writeFile(join(await rootOf(pod), 'memory/note'), 'kept');
    for (const target of ['cloud-1', 'edge-1']) {
      const token = await readFile(join(await rootOf(pod), tokenPath), 'utf8');
      await pods.ask(`laden-${target}`, pod);
      const { status } = await pods.untilPhase(`laden-${target}`, 'Succeeded');
      const [moved] = await pods.untilPods('laden', 1);
      if (!moved) throw new Error('no pod');
      expect([moved.metadata.name, moved.spec.nodeName]).toEqual([status?.targetPod, target]);
      expect(await pods.selfOf(moved)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
      const root = await rootOf(moved);
      const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
      const texts = ['settings/colour', 'key/pin', 'plain/seed', 'memory/note', 'facts/name'].map(read);
      expect(await Promise.all(texts)).toEqual(['blue', '1234', 'sown', 'kept', moved.metadata.name]);
      expect(await read(tokenPath)).not.toBe(token);
      // what only the init container mounted is left out: the volumes of the container, and the token
      expect((moved.spec.volumes ?? []).map(({ name }) => name.replace(/-\w+$/, '')).sort()).toEqual(
        [...Object.keys(mounts), 'kube-api-access'].sort(),
      );
      pod = moved;
      await until('its node to report it', 30_000, async () => {
        const told = await pods.reportedOn(target);
        return told.includes(moved.metadata.name) || undefined;
      });
    }
    await expectNoTwin(beats);
    const { status } = (await pods.podsOf('laden'))[0] ?? {};
    expect(JSON.stringify(status?.containerStatuses)).toContain('"restartCount":0');
  });

  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
  const mounted = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
  const refusals: [name: string, spec: Record<string, unknown>, reason: RegExp][] = [
    ['terminal', { container: { tty: true } }, /^container main has a terminal, which can not be restored/],
    ['stdin', { container: { stdin: true } }, /^container main has stdin/],
    [
      'host-path',
      { container: mounted, volumes: [{ name: 'data', hostPath: { path: '/etc' } }] },
      /^volume data is a hostPath/,
    ],
    ['host-network', { hostNetwork: true }, /^hostNetwork: it is part of its node/],
    ['shared-processes', { shareProcessNamespace: true }, /^shareProcessNamespace/],
    [
      'sidecar',
      {
        initContainers: [
          {
            name: 'mesh',
            image,
            restartPolicy: 'Always',
            command: ['/usr/bin/node', '-e', 'setInterval(() => {}, 1000)'],
          },
        ],
      },
      /^it has several containers \(main, mesh\)/,
    ],
    [
      'image-volume',
      { container: mounted, volumes: [{ name: 'data', image: { reference: image } }] },
      /^volume data is of kind image/,
    ],
  ];
  for (const [name, spec, reason] of refusals)
    test(`${name}: refused with its reason, and nothing is stopped`, async () => {
      const pod = await pods.bare(`not-${name}`, spec);
      await pods.ask(`not-${name}`, pod);
      const { status } = await pods.untilPhase(`not-${name}`, 'Refused');
      expect(status?.reason).toMatch(reason);
      const left = await pods.podsOf(`not-${name}`);
      expect(left.map(({ metadata }) => metadata.uid)).toEqual([pod.metadata.uid]);
      await pods.kubectl('delete', 'pod', `not-${name}`, '--now');
    });

  test('a PersistentVolumeClaim: refused with its reason', async () => {
    const storage = { ...claim, storageClassName: '', volumeName: 'disk' };
    const capacity = { storage: '1Mi' };
    const local = { accessModes: claim.accessModes, capacity, hostPath: { path: '/srv' }, storageClassName: '' };
    await pods.apply({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' }, spec: local });
    await pods.apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'disk' }, spec: storage });
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'disk' } }];
    const pod = await pods.bare('not-claim', { container: mounted, volumes });
    await pods.ask('not-claim', pod);
    const { status } = await pods.untilPhase('not-claim', 'Refused');
    expect(status?.reason).toMatch(/^volume data is a PersistentVolumeClaim, which does not move/);
    await pods.kubectl('delete', 'pod', 'not-claim', '--now');
  });
});
