import { resolve } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { planSecrets } from '../../cli/pki/secrets.ts';
import { type ManifestObject, objectSchema, podsOf, violations } from '../../k8s/manifests/read.fixtures.ts';
import { requireProgram } from '../../lab/kubernetes/software.ts';
import { labSettings } from '../../lab/settings.ts';
import { systemExec } from '../../lib/exec.ts';
import { nodeConfigSchema } from '../../lib/node-config.ts';
import { clusterObstacle } from '../helpers/kubernetes.ts';

// what the overlays make of the manifests, by the kubectl that applies them; no cluster is needed

const overlays = resolve(import.meta.dirname, '../../k8s/manifests/overlays');
const missing = await clusterObstacle();

const build = async (overlay: string): Promise<ManifestObject[]> => {
  const { path } = await requireProgram(labSettings(), 'kube');
  const { stdout } = await systemExec(path, ['kubectl', 'kustomize', `${overlays}/${overlay}`], { timeoutMs: 60_000 });
  return parseAllDocuments(stdout).map((one) => ({ ...objectSchema.parse(one.toJS()), file: overlay }));
};
const nameOf = ({ kind, metadata }: ManifestObject): string => `${kind} ${metadata.name}`;
const central = ['Deployment godwit-controller', 'Deployment godwit-decider', 'StatefulSet godwit-hub'];
const ofNodes = ['DaemonSet godwit-agent-cloud-1', 'DaemonSet godwit-agent-edge-1', 'StatefulSet godwit-leaf-plant'];

const node = (name: string, leaf?: object) => {
  const [tier, site] = leaf ? ['edge', 'plant'] : ['cloud', 'central'];
  const nats = { servers: ['tls://10.96.0.20:4222'], ...(leaf && { leaf }) };
  return nodeConfigSchema.parse({ name, site, tier, address: '10.88.1.12', nats });
};
const secrets = planSecrets([node('edge-1', { hub: 'tls://10.96.0.20:7422' }), node('cloud-1')]);

describe.each([
  ['lab', [...ofNodes, ...central], 'MutatingAdmissionPolicy inject.godwit.dev'],
  ['k3s', [...ofNodes, ...central, 'Deployment godwit-webhook'], 'MutatingWebhookConfiguration inject.godwit.dev'],
  ['edge', central, undefined],
  ['cloud', central, undefined],
] as const)('the overlay %s', (overlay, parts, injection) => {
  let objects: ManifestObject[];
  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (!missing) objects = await build(overlay);
  });

  test('has its parts, each once', () => {
    expect(objects.filter(podsOf).map(nameOf).sort()).toEqual([...parts].sort());
    const keys = objects.map((one) => `${nameOf(one)} ${one.metadata.namespace}`);
    expect(new Set(keys).size).toBe(keys.length);
    const injecting = objects.map(nameOf).filter((name) => /^Mutating\w+(Policy|Configuration) /.test(name));
    expect(injecting).toEqual(injection ? [injection] : []);
  });

  test('leaves the pods of godwit-system restricted, and the agents alone privileged', () => {
    for (const object of objects) {
      const pod = podsOf(object);
      if (!pod) continue;
      const agent = object.metadata.namespace === 'godwit-node';
      expect([nameOf(object), violations(pod).length > 0]).toEqual([nameOf(object), agent]);
      expect(agent).toBe(nameOf(object).startsWith('DaemonSet godwit-agent-'));
    }
  });

  test('runs one image everywhere, in sidecars too', () => {
    const images = objects.flatMap((one) => podsOf(one)?.containers.map(({ image }) => image) ?? []);
    const settings = objects.find((one) => nameOf(one) === 'ConfigMap godwit-injection');
    if (settings) images.push((settings as unknown as { data: { image: string } }).data.image);
    expect(settings !== undefined).toBe(injection !== undefined);
    expect(new Set(images).size).toBe(1);
  });

  test('mounts Secrets that `godwit pki secrets` writes', () => {
    const mounted = objects.flatMap((one) => {
      const names = JSON.stringify(podsOf(one)?.volumes ?? []).matchAll(/"(?:secretName|secret":\{"name)":"([^"]+)"/g);
      return [...names].map(([, name]) => `${one.metadata.namespace}/${name}`);
    });
    const written = secrets.map(({ namespace, name }) => `${namespace}/${name}`);
    expect(mounted.filter((name) => !written.includes(name))).toEqual([]);
    if (parts.length > central.length) expect(mounted.sort()).toEqual(written.sort());
  });

  test('gives each agent the name of its own node', () => {
    for (const agent of objects.filter(({ kind }) => kind === 'DaemonSet')) {
      const [name] = /(edge|cloud)-1$/.exec(agent.metadata.name) ?? [];
      const text = JSON.stringify(agent.spec);
      expect(text).toContain(`"secretName":"godwit-node-${name}"`);
      expect(text).toContain(`{"name":"DAEMONSET","value":"${agent.metadata.name}"}`);
      expect(text).toContain(`"nodeSelector":{"kubernetes.io/hostname":"${name}"}`);
    }
  });
});

test('each overlay says what is its own', async (context) => {
  if (missing) context.skip(missing);
  const find = async (overlay: string, name: string): Promise<string> =>
    JSON.stringify((await build(overlay)).find((one) => nameOf(one) === name)?.spec);
  expect(await find('lab', 'DaemonSet godwit-agent-edge-1')).toContain('--prefix=/usr/local/lib/godwit');
  expect(await find('k3s', 'DaemonSet godwit-agent-edge-1')).toMatch(
    /agent\/etc\/containerd\/config\.toml","--rendered/,
  );
  expect(await find('k3s', 'Service godwit-hub')).toContain('"clusterIP":"10.43.0.20"');
  expect(await find('edge', 'Deployment godwit-decider')).toContain('"replicas":1');
  expect(await find('cloud', 'Service godwit-hub')).toContain('"type":"LoadBalancer"');
  expect(await find('cloud', 'StatefulSet godwit-hub')).toContain('volumeClaimTemplates');
});
