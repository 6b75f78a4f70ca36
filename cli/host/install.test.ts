import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Exec } from '../../lib/exec.ts';
import { createLogger } from '../../lib/logger.ts';
import { type Host, installFiles, installHandler, remove } from './install.ts';

// a node's file system in a folder; of the node's programs it is noted which are called

let folder: string;
let called: string[];
let host: Host;

const exec: Exec = async (_file, args) => {
  called.push(args.slice(args.indexOf('--') + 1).join(' '));
  return { stdout: '', stderr: '', exitCode: 0 };
};
const etc = '/etc/containerd/config.toml';
const k3s = '/var/lib/rancher/k3s/agent/etc/containerd/config.toml';
const kubeadm = `version = 3
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = true
`;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-host-'));
  called = [];
  const [root, source, secrets] = ['node', 'image', 'secret'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await layOut(source, { '.build': 'one\n', 'cli/main.ts': 'main', '.cache/bin/godwit-runtime': 'runtime' });
  await layOut(folder, { 'node-program': 'node' });
  await layOut(secrets, {
    'ca.crt': 'ca',
    'node.yaml': JSON.stringify({
      ...{ name: 'edge-1', site: 'plant', tier: 'edge', address: '10.0.0.1' },
      nats: { servers: ['tls://10.96.0.20:4222'] },
    }),
  });
  host = {
    ...{ root, source, secrets, node: join(folder, 'node-program'), prefix: '/opt/godwit', settings: '/etc/godwit' },
    ...{
      containerdConfig: etc,
      rendered: false,
      unit: 'containerd',
      exec,
      log: createLogger('test', { level: 'silent' }),
    },
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function layOut(root: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}
/** Texts by path of all files of the node. */
async function filesOn(): Promise<Record<string, string>> {
  const entries = await readdir(host.root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (path) => [path.slice(host.root.length), await readFile(path, 'utf8')])),
  );
}
async function install(): Promise<void> {
  await installFiles(host);
  await installHandler(host);
}

describe.each<[string, Partial<Host>, Record<string, string>, string, string[]]>([
  [
    'kubeadm, systemd as driver of groups',
    {},
    { [etc]: kubeadm },
    '/etc/containerd/conf.d/godwit.toml',
    [`containerd --config ${etc} config dump`, 'systemctl restart containerd'],
  ],
  [
    'k3s',
    { containerdConfig: k3s, rendered: true, unit: 'k3s-agent' },
    { [k3s]: kubeadm },
    k3s.replace('config.toml', 'config-v3.toml.tmpl'),
    ['systemctl restart k3s-agent'],
  ],
])('a node of %s', (_, settings, before, file, calls) => {
  beforeEach(async () => {
    host = { ...host, ...settings };
    await layOut(host.root, { ...before, '/etc/hostname': 'edge-1\n' });
  });

  test('gets Godwit, its identity and the handler, and one restart', async () => {
    await install();
    const files = await filesOn();
    expect(files).toMatchObject({
      '/opt/godwit/cli/main.ts': 'main',
      '/opt/godwit/node_modules/.bin/node': 'node',
      '/etc/godwit/ca.crt': 'ca',
      [file]: expect.stringMatching(/BinaryName = "\/opt\/godwit\/\.cache\/bin\/godwit-runtime"/) as string,
    });
    expect(called).toEqual(calls);
    called = [];
    await install();
    expect(await filesOn()).toEqual(files);
    expect(called).toEqual([]);
  });

  test('is left as it was', async () => {
    const untouched = await filesOn();
    await install();
    await layOut(host.root, { '/run/godwit/sidecar/sidecar.key': 'key' });
    called = [];
    await remove(host);
    expect(await filesOn()).toEqual(untouched);
    expect(called).toEqual(calls);
  });

  test('keeps the program that the shim of a container will call', async () => {
    await install();
    const state = settings.rendered ? '/run/k3s/containerd' : '/run/containerd';
    const tasks = `${state}/io.containerd.runtime.v2.task/k8s.io`;
    await layOut(host.root, { [`${tasks}/abc/runtime`]: '/opt/godwit/.cache/bin/godwit-runtime' });
    await remove(host);
    const left = Object.keys(await filesOn());
    expect(left).toContain('/opt/godwit/.cache/bin/godwit-runtime');
    expect(left).not.toContain('/etc/godwit/ca.crt');
  });
});

test('a configuration that containerd does not read is taken back, and nothing is restarted', async () => {
  await layOut(host.root, { [etc]: kubeadm });
  const failing: Exec = async (file, args, options) => {
    if (args.includes('dump')) throw new Error('toml: line 4');
    return exec(file, args, options);
  };
  await expect(installHandler({ ...host, exec: failing })).rejects.toThrow(/does not read .*toml: line 4/);
  expect(await filesOn()).toEqual({ [etc]: kubeadm });
  expect(called).toEqual([]);
});
