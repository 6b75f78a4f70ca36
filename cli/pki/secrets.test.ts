import { expect, test } from 'vitest';
import type { NodeConfig } from '../../lib/node-config.ts';
import { nodeConfigSchema } from '../../lib/node-config.ts';
import { parseAs } from '../../lib/parse.ts';
import { nodeBundle } from './bundle.ts';
import { planNode } from './plan-node.ts';
import { planSecrets, secretObject } from './secrets.ts';

const flags = {
  ...{ dir: '/pki', site: 'plant', tier: 'edge' as const, address: '10.0.0.1', hub: '10.96.0.20' },
  ...{ kubernetes: true, imagePath: false, force: false },
};
const edge = planNode({ ...flags, name: 'edge-1', leafAddress: '10.96.0.21' }, []);
const second = planNode({ ...flags, name: 'edge-2', address: '10.0.0.2' }, [edge.config]);
const nodes: NodeConfig[] = [edge.config, second.config];

test('the nodes of a site use its server at the address of its Service, which its certificate names', () => {
  for (const { config } of [edge, second]) expect(config.nats.servers).toEqual(['tls://10.96.0.21:4222']);
  expect(second.config.nats.leaf).toBeUndefined();
  expect(nodeBundle(edge.config, edge.file).certificates.nats?.serves?.addresses).toContain('10.96.0.21');
  expect(edge.config).toMatchObject({ engine: 'kubernetes', runcRoot: '/run/containerd/runc/k8s.io' });
});

test('a node whose pods may move as images finds the token that the pod of its agent keeps fresh', () => {
  expect(edge.config.imagePath).toBeUndefined();
  const { config, file } = planNode({ ...flags, name: 'edge-1', imagePath: true }, []);
  expect(file).toMatchObject({ imagePath: { token: '/run/godwit/kubelet.token' } });
  expect(config.imagePath?.kubeletPort).toBe(10_250);
});

test('a node whose pods have sidecars hands their certificate out', () => {
  const { config } = planNode({ ...flags, name: 'edge-1', monitoring: 'sidecar' }, []);
  expect(config.monitor.mode).toBe('sidecar');
  const ofNode = planSecrets([config]).find(({ namespace }) => namespace === 'godwit-node');
  expect(ofNode?.files).toEqual(expect.arrayContaining(['sidecar.crt', 'sidecar.key']));
});

test('a node that is none of a cluster is written as ever', () => {
  const { file } = planNode({ ...flags, name: 'edge-1', kubernetes: false }, []);
  expect(parseAs(nodeConfigSchema, file, 'file', 'E_CONFIG')).toMatchObject({ engine: 'runc' });
  expect(file).toMatchObject({ nats: { servers: ['tls://127.0.0.1:4222'], leaf: { hub: 'tls://10.96.0.20:7422' } } });
});

test('no key is in two Secrets, and none but those of agents leave the restricted namespace', () => {
  const plans = planSecrets(nodes);
  expect(plans.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
    'godwit-system/godwit-hub',
    'godwit-system/godwit-decider',
    'godwit-system/godwit-controller',
    'godwit-system/godwit-leaf-plant',
    'godwit-node/godwit-node-edge-1',
    'godwit-node/godwit-node-edge-2',
  ]);
  const keys = plans.flatMap(({ folder, files }) =>
    files.filter((file) => file.endsWith('.key')).map((file) => `${folder}/${file}`),
  );
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => /ca\.key|operator/.test(key))).toEqual([]);
});

test('a Secret holds bytes in base64', () => {
  const [plan] = planSecrets([]);
  if (!plan) throw new Error('no plan');
  expect(secretObject(plan, { 'ca.crt': Buffer.from('text') })).toMatchObject({ data: { 'ca.crt': 'dGV4dA==' } });
});
