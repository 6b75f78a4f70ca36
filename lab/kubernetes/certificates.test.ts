import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CertificateRequest, issueAll, kubeconfig } from './certificates.ts';
import type { ClusterPlan } from './plan.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubernetes-pki-'));
});
afterEach(() => rm(folder, { recursive: true }));

const plan = (...workers: [name: string, address: string][]): ClusterPlan => ({
  lab: 'lab',
  api: 'https://10.88.1.11:6443',
  hub: { name: 'hub', address: '10.88.1.11', root: '/' },
  workers: workers.map(([name, address]) => ({
    ...{ name, address, root: '/', tier: 'edge', site: 'plant', cores: 1, memoryBytes: 2 ** 30 },
    podCidr: '10.244.12.0/24',
  })),
});

/** Issues the request's own name in place of a certificate, and counts. */
function counting(): { issued: string[]; open: Parameters<typeof issueAll>[2] } {
  const issued: string[] = [];
  const issue = async ({ name }: CertificateRequest) => {
    issued.push(name);
    return { certificate: `certificate of ${name}`, key: `key of ${name}` };
  };
  return { issued, open: async () => ({ certificate: 'ca', issue }) };
}

test('only what is new or has changed is issued again', async () => {
  const first = counting();
  await issueAll(folder, plan(['a', '10.88.1.12'], ['b', '10.88.1.13']), first.open);
  expect(first.issued).toContain('system:node:a');
  const accounts = await readFile(join(folder, 'accounts.key'), 'utf8');
  const second = counting();
  await issueAll(folder, plan(['a', '10.88.1.12'], ['b', '10.88.1.99'], ['c', '10.88.1.14']), second.open);
  expect(second.issued).toEqual(['system:node:b', 'system:node:c']);
  expect(await readFile(join(folder, 'accounts.key'), 'utf8')).toBe(accounts);
});

test('keys are readable for their owner alone, and those of accounts are a pair', async () => {
  await issueAll(folder, plan(['a', '10.88.1.12']), counting().open);
  for (const file of ['admin.key', 'node-a.key', 'accounts.key'])
    expect((await stat(join(folder, file))).mode & 0o777, file).toBe(0o600);
  const [key, known] = await Promise.all(
    ['accounts.key', 'accounts.pub'].map((file) => readFile(join(folder, file), 'utf8')),
  );
  const derived = createPublicKey(createPrivateKey(key ?? '')).export({ type: 'spki', format: 'pem' });
  expect(derived).toBe(known);
});

test('a kubeconfig holds all that its user needs', async () => {
  const { open } = counting();
  await issueAll(folder, plan(['a', '10.88.1.12']), open);
  await writeFile(join(folder, 'ca.crt'), 'ca');
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  expect(await kubeconfig(folder, 'https://api', 'admin')).toMatchObject({
    clusters: [{ cluster: { server: 'https://api', 'certificate-authority-data': base64('ca') } }],
    users: [
      {
        user: { 'client-certificate-data': base64('certificate of admin'), 'client-key-data': base64('key of admin') },
      },
    ],
  });
});
