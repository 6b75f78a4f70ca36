import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { loadPersonalKubeConfig } from './kubeconfig.ts';

/** A file with a context of that name, its cluster and its namespace. */
async function fileOf(name: string, { namespace, current = true }: { namespace?: string; current?: boolean } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'config');
  const config = {
    ...(current && { 'current-context': name }),
    clusters: [{ name, cluster: { server: `https://${name}.test` } }],
    users: [{ name, user: { token: name } }],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace && { namespace }) } }],
  };
  await writeFile(path, stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  return path;
}

test('the named file goes before KUBECONFIG, and its context says server and namespace', async () => {
  const [one, two] = [await fileOf('one', { namespace: 'shop' }), await fileOf('two')];
  expect(loadPersonalKubeConfig({ path: one, env: { KUBECONFIG: two } })).toMatchObject({
    namespace: 'shop',
    server: 'https://one.test',
  });
});

test('KUBECONFIG may be a list: the first current context counts, missing files are passed over', async () => {
  const [one, two] = [await fileOf('one', { current: false }), await fileOf('two')];
  const env = { KUBECONFIG: `${one}:/nowhere/config:${two}` };
  expect(loadPersonalKubeConfig({ env })).toMatchObject({ namespace: 'default', server: 'https://two.test' });
  expect(loadPersonalKubeConfig({ env, context: 'one' }).server).toBe('https://one.test');
  const twice = { KUBECONFIG: `${two}:${two}` };
  expect(loadPersonalKubeConfig({ env: twice }).server).toBe('https://two.test');
});

test('a context that is not there is answered with those that are', async () => {
  const env = { KUBECONFIG: await fileOf('one') };
  expect(() => loadPersonalKubeConfig({ env, context: 'on' })).toThrow(
    'there is no context "on" with a cluster; there are one',
  );
});

test.each([[{ KUBECONFIG: '/nowhere/config' }], [{ HOME: '/nowhere' }], [{}]])(
  'without a file it says so: %j',
  (env) => {
    expect(() => loadPersonalKubeConfig({ env })).toThrow(expect.objectContaining({ code: 'E_SETUP' }));
  },
);
