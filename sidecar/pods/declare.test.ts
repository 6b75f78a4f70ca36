import { describe, expect, test } from 'vitest';
import { declarePod } from './declare.ts';
import { type PodParts, podOf } from './fixtures.ts';

const controlledBy = (kind: string): PodParts => ({
  metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'web', uid: 'u', controller: true }] },
});
const annotated = (annotations: Record<string, string>): PodParts => ({ metadata: { annotations } });
const volume = (source: object): PodParts => ({
  spec: { volumes: [{ name: 'data', ...source }] },
  container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
});
const declared = (parts: PodParts = {}) => declarePod(podOf(parts), []).declaration;

describe('a pod that is declared', () => {
  test('carries what the agent and the decider need of it', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const parts: PodParts = {
      container: { resources: { requests: { cpu: '250m', memory: '64Mi' } } },
      spec: { priority: 7 },
      status: { containerStatuses: [{ name: 'main', imageID: `registry.test/web@${digest}` }] },
    };
    expect(declarePod(podOf(parts), [])).toEqual({
      faults: [],
      declaration: {
        name: 'shop.web-1',
        uid: 'uid-web-1',
        namespace: 'shop',
        pod: 'web-1',
        container: 'main',
        home: 'edge-1',
        image: digest,
        keeps: 'memory',
        strategy: 'auto',
        migrate: true,
        priority: 7,
        requestedCores: 0.25,
        requestedMemoryBytes: 67_108_864,
      },
    });
  });

  test('keeps name and home over a move', () => {
    const marks = { 'godwit.dev/workload': 'shop.web-0', 'godwit.dev/home': 'edge-9' };
    expect(declared(annotated(marks))).toMatchObject({ name: 'shop.web-0', home: 'edge-9', pod: 'web-1' });
  });

  test('has the request of the whole pod where its container has none', () => {
    expect(declared({ spec: { resources: { requests: { cpu: '2' } } } })).toMatchObject({ requestedCores: 2 });
  });

  test('is told by the reference of its image until the digest is known', () => {
    expect(declared()?.image).toBe('registry.test/web:1');
  });

  test("is none that takes a workload's name in another namespace", () => {
    const { declaration, faults } = declarePod(podOf(annotated({ 'godwit.dev/workload': 'bank.vault-0' })), []);
    expect(declaration).toBeUndefined();
    expect(faults).toEqual([expect.stringMatching(/expected a name in its own namespace, shop.…, received "bank/)]);
  });

  test('is none where a mark can not be a name', () => {
    const { declaration, faults } = declarePod(podOf(annotated({ 'godwit.dev/home': 'Edge 9' })), []);
    expect(declaration).toBeUndefined();
    expect(faults).toEqual([expect.stringMatching(/^Pod web-1 can not be a workload: home: lower-case letters/)]);
  });
});

describe('no workload is a pod', () => {
  const cases: [string, PodParts][] = [
    ['that is not on a node yet', { spec: { nodeName: undefined } }],
    ['that has ended', { status: { phase: 'Succeeded' } }],
    ['that has failed', { status: { phase: 'Failed' } }],
    ['of a DaemonSet', controlledBy('DaemonSet')],
    ['of the node itself, a mirror', controlledBy('Node')],
    ['of the cluster', { namespace: 'kube-system' }],
    ['of ours', { namespace: 'godwit-system' }],
  ];
  test.each(cases)('%s', (_, parts) => {
    expect(declarePod(podOf(parts), [])).toEqual({ faults: [] });
  });
});

describe('what can move', () => {
  const cases: [string, PodParts][] = [
    ['a bare pod', {}],
    ['of a ReplicaSet', controlledBy('ReplicaSet')],
    ['of a Job', controlledBy('Job')],
    [
      'that somebody else owns and does not control',
      { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Shop', name: 'x', uid: 'u' }] } },
    ],
    ['with an emptyDir', volume({ emptyDir: {} })],
    ['with an emptyDir in memory', volume({ emptyDir: { medium: 'Memory' } })],
    ['with a configMap', volume({ configMap: { name: 'c' } })],
    ['with a secret', volume({ secret: { secretName: 's' } })],
    ['with projected tokens', volume({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } })],
    ['with the downward API', volume({ downwardAPI: { items: [] } })],
    [
      'with a hostPath that its container does not mount',
      { spec: { volumes: [{ name: 'host', hostPath: { path: '/' } }] } },
    ],
    ['with probes', { container: { livenessProbe: { httpGet: { port: 80 } } } }],
    ['with an initContainer', { spec: { initContainers: [{ name: 'fetch' }] } }],
    ['with our sidecar', { spec: { initContainers: [{ name: 'godwit-monitor', restartPolicy: 'Always' }] } }],
  ];
  test.each(cases)('a pod %s', (_, parts) => {
    expect(declared(parts)).toBeDefined();
    expect(declared(parts)?.obstacle).toBeUndefined();
  });
});

describe('by an image, where there is a repository for it', () => {
  const stock = (parts: PodParts = {}): PodParts => ({
    ...parts,
    spec: { ...parts.spec, runtimeClassName: undefined },
  });
  const through = (parts: PodParts) => declarePod(podOf(parts), [], 'registry/checkpoints').declaration;
  test('a pod without RuntimeClass says so to its agent', () => {
    expect(through(stock())).toMatchObject({ checkpoints: 'registry/checkpoints' });
    expect(through(stock())?.obstacle).toBeUndefined();
  });
  test.each<[string, PodParts, RegExp]>([
    ['an emptyDir', stock(volume({ emptyDir: {} })), /^volume data is an emptyDir/],
    ['a terminal', stock({ container: { tty: true } }), /has a terminal/],
    ['a runtime of somebody else', { spec: { runtimeClassName: 'kata' } }, /^its runtimeClassName is kata/],
  ])('not with %s', (_, parts, reason) => {
    expect(through(parts)?.obstacle).toMatch(reason);
  });
  test('a pod of our runtime does not go that way', () => {
    expect(through({})?.checkpoints).toBeUndefined();
  });
});

describe('what can not move', () => {
  const always: [string, PodParts, RegExp][] = [
    [
      'a pod that is being deleted',
      { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
      /^it is being deleted$/,
    ],
    ['a pod of a StatefulSet', controlledBy('StatefulSet'), /^StatefulSet web wants it under its own name/],
    ['a pod of another controller', controlledBy('Shop'), /^Shop web controls it, and would not take the copy over$/],
    [
      'several containers',
      { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
      /^it has several containers \(a, b\)/,
    ],
    [
      "somebody else's sidecar",
      { spec: { initContainers: [{ name: 'mesh', restartPolicy: 'Always' }] } },
      /\(main, mesh\)/,
    ],
    [
      'another runtime class',
      { spec: { runtimeClassName: undefined } },
      /^its runtimeClassName is not set, not godwit/,
    ],
    [
      'a pod of a Job that is not started again',
      { ...controlledBy('Job'), spec: { restartPolicy: 'Never' } },
      /^Job web would count its end as a failure/,
    ],
    ['a pod of a ReplicationController', controlledBy('ReplicationController'), /would not take the copy over$/],
    ['an image volume', volume({ image: { reference: 'r/data:1' } }), /^volume data is of kind image/],
    ['hostNetwork', { spec: { hostNetwork: true } }, /^hostNetwork: it is part of its node$/],
    ['hostPID', { spec: { hostPID: true } }, /^hostPID/],
    ['hostIPC', { spec: { hostIPC: true } }, /^hostIPC/],
    ['a hostPath', volume({ hostPath: { path: '/srv' } }), /^volume data is a hostPath/],
    ['a claim', volume({ persistentVolumeClaim: { claimName: 'c' } }), /^volume data is a PersistentVolumeClaim,/],
    ['a claim of its own', volume({ ephemeral: {} }), /^volume data is a PersistentVolumeClaim of its own/],
    ['a volume of a driver', volume({ csi: { driver: 'd' } }), /^volume data is of kind csi/],
    ['a block device', { container: { volumeDevices: [{ name: 'disk' }] } }, /^volume disk is a block device/],
    [
      'an extended resource',
      { container: { resources: { limits: { 'nvidia.com/gpu': '1' } } } },
      /^it uses nvidia.com\/gpu of its node$/,
    ],
    ['huge pages', { container: { resources: { requests: { 'hugepages-2Mi': '4Mi' } } } }, /^it uses hugepages-2Mi/],
    ['a resource claim', { spec: { resourceClaims: [{ name: 'gpu' }] } }, /^resource claim gpu gives it a device/],
  ];
  const withMemory: [string, PodParts, RegExp][] = [
    ['a terminal', { container: { tty: true } }, /^container main has a terminal/],
    ['stdin', { container: { stdin: true } }, /^container main has stdin/],
    ['shareProcessNamespace', { spec: { shareProcessNamespace: true } }, /^shareProcessNamespace/],
    ['an ephemeral container', { spec: { ephemeralContainers: [{ name: 'debug' }] } }, /^ephemeral container debug/],
  ];
  test.each([...always, ...withMemory])('%s', (_, parts, reason) => {
    expect(declared(parts)?.obstacle).toMatch(reason);
  });

  const restarting = (parts: PodParts): PodParts => ({
    ...parts,
    metadata: { ...parts.metadata, annotations: { 'godwit.dev/restore-policy': 'restart' } },
  });
  test.each(always)('%s, not even by a restart', (_, parts, reason) => {
    expect(declared(restarting(parts))?.obstacle).toMatch(reason);
  });
  test.each(withMemory)('%s, but by a restart it can', (_, parts) => {
    expect(declared(parts)?.obstacle).toBeDefined();
    expect(declared(restarting(parts))).toMatchObject({ strategy: 'restart', keeps: 'nothing' });
    expect(declared(restarting(parts))?.obstacle).toBeUndefined();
  });
});
