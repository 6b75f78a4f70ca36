import { describe, expect, test } from 'vitest';
import { aPod, uid } from './fixtures.ts';
import { targetPod, targetPodName } from './target-pod.ts';

const options = { migration: uid, workload: 'shop.web', node: 'cloud-1', ownerLabels: {} };
const specOf = (spec: Parameters<typeof aPod>[0], metadata = {}) => targetPod(aPod(spec, metadata), options).spec;

describe('name of the target pod', () => {
  test.each([
    ['web', 'web-m0a1b2c3d'],
    ['web-m11111111', 'web-m0a1b2c3d'],
    ['web-m1111111', 'web-m1111111-m0a1b2c3d'],
    [`${'a'.repeat(52)}-b`, `${'a'.repeat(52)}-m0a1b2c3d`],
  ])('of %s', (pod, name) => {
    expect(targetPodName(pod, uid)).toBe(name);
    expect(targetPodName(pod, uid).length).toBeLessThanOrEqual(63);
  });
});

describe('the target pod', () => {
  test('from an image has that one, and is never started again from it', () => {
    const { spec } = targetPod(aPod({ runtimeClassName: undefined }), { ...options, image: 'registry/checkpoints:1' });
    expect(spec).toMatchObject({
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'registry/checkpoints:1', imagePullPolicy: 'IfNotPresent' }],
    });
  });

  test('goes to the target, is marked, and waits for its copy', () => {
    expect(targetPod(aPod({}, { finalizers: ['x'], ownerReferences: [] }), options)).toEqual({
      metadata: {
        name: 'web-m0a1b2c3d',
        namespace: 'shop',
        labels: { app: 'web', 'godwit.dev/migration': uid },
        annotations: {
          'godwit.dev/migration': uid,
          'godwit.dev/workload': 'shop.web',
          'godwit.dev/container': 'main',
          'godwit.dev/home': 'edge-1',
        },
      },
      spec: {
        nodeName: 'cloud-1',
        hostname: 'web',
        runtimeClassName: 'godwit',
        restartPolicy: 'Always',
        readinessGates: [{ conditionType: 'godwit.dev/cutover' }],
        containers: [{ name: 'main', image: 'registry/web:1' }],
      },
    });
  });

  test('keeps its home, and gives up the marks of an earlier move', () => {
    const annotations = {
      'godwit.dev/home': 'edge-7',
      'godwit.dev/migration': 'former',
      'godwit.dev/owner': '{}',
      'controller.kubernetes.io/pod-deletion-cost': '-1',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'godwit.dev/strategy': 'warm',
    };
    const gates = [{ conditionType: 'godwit.dev/cutover' }, { conditionType: 'other' }];
    const pod = targetPod(aPod({ readinessGates: gates }, { annotations }), options);
    expect(pod.metadata.annotations).toEqual({
      'godwit.dev/home': 'edge-7',
      'godwit.dev/migration': uid,
      'godwit.dev/workload': 'shop.web',
      'godwit.dev/container': 'main',
      'godwit.dev/strategy': 'warm',
    });
    expect(pod.spec.readinessGates).toEqual([{ conditionType: 'other' }, { conditionType: 'godwit.dev/cutover' }]);
  });

  test('lacks the labels of its owner, and remembers owner and labels', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'rs-1', controller: true };
    const source = aPod({}, { labels: { app: 'web', 'pod-template-hash': 'abc' }, ownerReferences: [owner] });
    const { labels, annotations } = targetPod(source, {
      ...options,
      ownerLabels: { 'pod-template-hash': 'abc' },
    }).metadata;
    expect(labels).toEqual({ app: 'web', 'godwit.dev/migration': uid });
    expect(JSON.parse(annotations['godwit.dev/owner'] ?? '')).toEqual(owner);
    expect(JSON.parse(annotations['godwit.dev/owner-labels'] ?? '')).toEqual({ 'pod-template-hash': 'abc' });
  });

  test('keeps ports, probes, environment, tolerations, selectors, affinity and what we do not know', () => {
    const container = {
      ...{ name: 'main', image: 'registry/web:1', ports: [{ containerPort: 80, hostPort: 8080 }] },
      ...{ livenessProbe: { httpGet: { path: '/', port: 80 } }, env: [{ name: 'A', value: '1' }], later: { field: 1 } },
      resources: { limits: { cpu: '1' } },
    };
    const kept = {
      tolerations: [{ key: 'edge', operator: 'Exists' }],
      nodeSelector: { tier: 'cloud' },
      affinity: { podAntiAffinity: { preferred: [] } },
      priorityClassName: 'high',
      serviceAccountName: 'web',
      terminationGracePeriodSeconds: 7,
      future: 'kept',
    };
    expect(specOf({ ...kept, containers: [container] })).toMatchObject({ ...kept, containers: [container] });
  });

  test('leaves out what the API server or admission writes itself, and init containers, whose work is done', () => {
    const spec = specOf({
      ...{ priority: 5, preemptionPolicy: 'Never', overhead: { cpu: '1m' }, serviceAccount: 'web' },
      ...{ ephemeralContainers: [{ name: 'debug' }], initContainers: [{ name: 'prepare' }] },
    });
    expect(Object.keys(spec).sort()).toEqual(
      ['containers', 'hostname', 'nodeName', 'readinessGates', 'restartPolicy', 'runtimeClassName'].sort(),
    );
  });

  test('leaves the token that admission mounts to admission, and keeps one that its author mounts elsewhere', () => {
    const token = { name: 'kube-api-access-x1', projected: { sources: [] } };
    const own = { name: 'kube-api-access-own', projected: { sources: [] } };
    const data = { name: 'data', emptyDir: {} };
    const mounts = [
      { name: token.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
      { name: own.name, mountPath: '/token' },
      { name: 'data', mountPath: '/data' },
    ];
    const spec = specOf({ volumes: [token, own, data], containers: [{ name: 'main', volumeMounts: mounts }] });
    expect(spec.volumes).toEqual([own, data]);
    expect(spec.containers[0]?.volumeMounts).toEqual(mounts.slice(1));
  });

  test('is made without volumes that only init containers and sidecars mount: admission brings its own', () => {
    const data = { name: 'data', emptyDir: {} };
    const others = [
      { name: 'seed', persistentVolumeClaim: { claimName: 'seed' } },
      { name: 'godwit-cgroup', hostPath: { path: '/sys/fs/cgroup' } },
    ];
    const containers = [{ name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data' }] }];
    expect(specOf({ volumes: [...others, data], containers }).volumes).toEqual([data]);
  });

  test.each([
    ['its own name', {}, 'web', 'web'],
    ['what its spec says', { hostname: 'given' }, 'web', 'given'],
    ['63 characters of its name', {}, 'a'.repeat(70), 'a'.repeat(63)],
    ['nothing where the name has dots', {}, 'web.one', undefined],
  ])('has for its host name %s', (_, spec, name, hostname) => {
    expect(specOf(spec, { name }).hostname).toBe(hostname);
  });

  test.each([
    ['registry/web@sha256:ab', 'registry/web@sha256:ab'],
    ['sha256:ab', 'registry/web:1'],
    ['docker-pullable://registry/web@sha256:ab', 'registry/web:1'],
  ])('runs the image that the source runs, when %s tells how to get it', (imageID, image) => {
    const source = { ...aPod(), status: { phase: 'Running', containerStatuses: [{ name: 'main', imageID }] } };
    expect(targetPod(source, options).spec.containers[0]?.image).toBe(image);
  });
});
