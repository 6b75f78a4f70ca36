import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parsePolicy } from '../../lib/contract/policy.ts';
import { podsOf, readManifests, violations } from './read.fixtures.ts';

const objects = readManifests(import.meta.dirname);
const named = objects.map((object) => [`${object.kind} ${object.metadata.name}`, object] as const);
const accounts = named.filter(([, { kind }]) => kind === 'ServiceAccount');
const workloads = named.flatMap(([name, object]) => {
  const pod = podsOf(object);
  return pod ? [{ name, object, pod }] : [];
});
const roles = named.flatMap(([name, { kind, rules = [] }]) => (/Role$/.test(kind) ? [{ name, rules }] : []));
const bindings = named.filter(([, { kind }]) => /RoleBinding$/.test(kind)).map(([, object]) => object);

test('all that makes pods is seen', () => {
  const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'];
  const made = named.filter(([, { kind }]) => kinds.includes(kind)).map(([name]) => name);
  expect(workloads.map(({ name }) => name)).toEqual(made);
  expect(made.length).toBeGreaterThan(3);
});

describe.each(workloads)('$name', ({ object, pod }) => {
  const onNode = object.metadata.namespace === 'godwit-node';

  test(`is ${onNode ? 'not ' : ''}what Pod Security calls restricted`, () => {
    if (onNode) expect(violations(pod)).toEqual(expect.arrayContaining(['hostPID', 'agent: privileged']));
    else expect(violations(pod)).toEqual([]);
  });

  test('writes nowhere but into its volumes, unless it is privileged', () => {
    for (const { securityContext } of pod.containers)
      expect(securityContext.readOnlyRootFilesystem === true || securityContext.privileged).toBe(true);
  });

  test('has an account of its own namespace', () => {
    const known = accounts.map(([, { metadata }]) => `${metadata.namespace}/${metadata.name}`);
    expect(known).toContain(`${object.metadata.namespace}/${pod.serviceAccountName}`);
  });

  test('has a token only where it has rights', () => {
    const account = accounts.find(([, { metadata }]) => metadata.name === pod.serviceAccountName)?.[1];
    const token = pod.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
    const bound = bindings.some(({ subjects }) => subjects?.some(({ name }) => name === pod.serviceAccountName));
    expect(token).toBe(bound);
  });

  test('runs an image of a version', () => {
    const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));
    for (const { image } of [...pod.initContainers, ...pod.containers]) expect(image).toBe(`godwit:${version}`);
  });
});

test('nothing but the parts on the nodes is outside of the restricted namespace', () => {
  const places = new Set(workloads.map(({ object }) => object.metadata.namespace));
  expect([...places].filter((place) => place !== 'godwit-node')).toEqual(['godwit-system']);
  const levels = named
    .filter(([, { kind }]) => kind === 'Namespace')
    .map(([, { metadata }]) => [
      metadata.name,
      (metadata.labels as Record<string, string>)['pod-security.kubernetes.io/enforce'],
    ]);
  expect(Object.fromEntries(levels)).toEqual({ 'godwit-system': 'restricted', 'godwit-node': 'privileged' });
});

describe.each(roles)('$name', ({ rules }) => {
  test('names what it allows: no wildcard, no unnamed secret, nothing that leads to further rights', () => {
    for (const rule of rules) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs].join(' ')).not.toContain('*');
      expect(rule.resources).not.toContain('nodes/proxy');
      expect(rule.verbs).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(escalate|bind|impersonate)$/)]));
      // a create has no name yet
      const named = rule.resourceNames !== undefined || rule.verbs.join() === 'create';
      if (rule.resources.some((resource) => ['configmaps', 'secrets'].includes(resource))) expect(named).toBe(true);
    }
  });
});

test.each(bindings)('$kind $metadata.name binds a role that there is to accounts that there are', (binding) => {
  expect(named.map(([name]) => name)).toContain(`${binding.roleRef?.kind} ${binding.roleRef?.name}`);
  const known = accounts.map(([, { metadata }]) => `${metadata.namespace}/${metadata.name}`);
  for (const { namespace, name } of binding.subjects ?? []) expect(known).toContain(`${namespace}/${name}`);
});

test('whoever creates a Migration with an id has the right that the admission policy asks for', () => {
  const policy = named.find(([name]) => name === 'ValidatingAdmissionPolicy migration-id.godwit.dev')?.[1];
  expect(JSON.stringify(policy?.spec)).toContain("check('identify').allowed()");
  const identify = roles.filter(({ rules }) => rules.some(({ verbs }) => verbs.includes('identify')));
  expect(identify.map(({ name }) => name)).toEqual(['ClusterRole godwit-decider']);
});

test('the policy that is installed is one', () => {
  const [, configMap] = named.find(([name]) => name === 'ConfigMap godwit-policy') ?? [];
  const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(configMap);
  expect(parsePolicy(data['policy.yaml'] ?? '')).toMatchObject({ ok: true, policy: { name: 'default' } });
});

test('docs/reference/kubernetes-rights.md lists every right', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/reference/kubernetes-rights.md'), 'utf8');
  for (const { name, rules } of roles) {
    const account = name.split(' ')[1];
    const lines = text.split('\n').filter((line) => line.startsWith(`| \`${account}`));
    for (const { resources, verbs } of rules)
      for (const resource of resources)
        expect(
          lines.filter((line) => line.includes(`\`${resource}\``) && verbs.every((verb) => line.includes(verb))),
          `${account}: ${verbs.join(', ')} ${resource}`,
        ).not.toEqual([]);
  }
});
