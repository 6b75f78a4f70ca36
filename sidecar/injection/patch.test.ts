import { expect, test } from 'vitest';
import { patchOf } from './patch.ts';
import { type InjectablePod, injectablePodSchema } from './pod.ts';

const settings = { image: 'registry/godwit:1', nodes: ['edge-1', 'edge-2'] };
const pod = (spec: object = {}, metadata: object = {}): InjectablePod => injectablePodSchema.parse({ metadata, spec });
const paths = (given: InjectablePod, nodes = settings.nodes): string[] =>
  patchOf(given, { ...settings, nodes }).map(({ path }) => path);

const whole = ['/spec/initContainers', '/spec/volumes', '/spec/volumes/-', '/spec/volumes/-', '/spec/initContainers/0'];

test.each<[string, InjectablePod, string[]]>([
  ['a pod that names no node', pod(), whole],
  ['a pod of a node with sidecars', pod({ nodeName: 'edge-2' }), whole],
  ['a pod that selects such a node', pod({ nodeSelector: { 'kubernetes.io/hostname': 'edge-1' } }), whole],
  ['a pod that selects a tier', pod({ nodeSelector: { 'godwit.dev/tier': 'edge' } }), whole],
  [
    'a pod with volumes and containers before it',
    pod({ volumes: [{}], initContainers: [{ name: 'a' }] }),
    whole.slice(2),
  ],
])('%s gets one', (_, given, expected) => expect(paths(given)).toEqual(expected));

test.each<[string, InjectablePod]>([
  ['a pod of another node', pod({ nodeName: 'cloud-1' })],
  ['a pod that selects another node', pod({ nodeSelector: { 'kubernetes.io/hostname': 'cloud-1' } })],
  ['a pod that has one', pod({ initContainers: [{ name: 'godwit-monitor' }] })],
  ['a pod that declines', pod({}, { labels: { 'godwit.dev/inject': 'disabled' } })],
  ['a pod of a file on its node', pod({}, { annotations: { 'kubernetes.io/config.mirror': 'x' } })],
])('%s gets none', (_, given) => expect(paths(given)).toEqual([]));

test('where no node wants sidecars, nobody gets one', () => expect(paths(pod(), [])).toEqual([]));

test('the sidecar is native, without rights, and comes before the others', () => {
  expect(patchOf(pod(), settings).at(-1)?.value).toMatchObject({
    name: 'godwit-monitor',
    image: 'registry/godwit:1',
    restartPolicy: 'Always',
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  });
});
