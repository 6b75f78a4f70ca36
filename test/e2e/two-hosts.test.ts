import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labDown, labExec, labUp } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { isMissing } from '../../lib/files.ts';

// Types every block of the guide that is marked with a host, in its order, on bare nodes. What differs from real machines:
// - section 1 is done: the nodes have the programs and the checkout; `wget` is busybox's
// - the guide's addresses stand for those of the lab
// - `scp` is a stand-in that leaves the files in /run/post, from where they are taken to the other node after the block
// - /srv leads to the node's plain disk: its root is an overlay, below which CRIU does not find the files of another one
const guide = resolve(import.meta.dirname, '../../docs/guides/two-hosts.md');
const gibibyte = 2 ** 30;
const name = `two-hosts-${randomBytes(4).toString('hex')}`;

const scp = `#!/bin/sh
# scp -p FILE... USER@ADDRESS:FOLDER
set -e
shift
for to; do :; done
mkdir -p "/run/post/\${to#*@}"
while [ $# -gt 1 ]; do cp -p "$1" "/run/post/\${to#*@}"; shift; done
`;

interface Block {
  host: string;
  script: string;
}

const blocksOf = (text: string): Block[] =>
  [...text.matchAll(/^```sh host=(\S+)\n(.*?)^```$/gms)].map(([, host = '', script = '']) => ({ host, script }));

let lab: LabStatus;
const nodeOf = (host: string): LabStatus['nodes'][number] & { root: string } => {
  const found = lab.nodes.find((node) => node.name === host);
  if (found?.root === undefined) throw new Error(`${host} does not run`);
  return { ...found, root: found.root };
};

beforeAll(async () => {
  lab = await labUp({
    name,
    nodes: [
      { name: 'cloud-1', kind: 'cloud', site: 'cloud', cores: 2, memoryBytes: 2 * gibibyte },
      { name: 'edge-1', kind: 'edge', site: 'plant', cores: 1, memoryBytes: gibibyte },
      { name: 'edge-2', kind: 'edge', site: 'plant', cores: 1, memoryBytes: gibibyte },
    ],
  });
  for (const { name } of lab.nodes) {
    const { root } = nodeOf(name);
    await writeFile(join(root, 'usr/local/bin/scp'), scp);
    await chmod(join(root, 'usr/local/bin/scp'), 0o755);
    await symlink('/bin/busybox', join(root, 'usr/local/bin/wget'));
    await rmdir(join(root, 'srv'));
    await symlink('/var/lib/godwit/srv', join(root, 'srv'));
    await mkdir(join(root, 'var/lib/godwit/srv'));
  }
});
afterAll(() => labDown(name));

/** The guide's documentation addresses (RFC 5737) as the lab has them. */
function addressed(script: string): string {
  const subnet = lab.subnet.replace(/\.0\/24$/, '');
  return script
    .replaceAll('192.0.2.10', nodeOf('cloud-1').address)
    .replaceAll('192.0.2.20', nodeOf('edge-1').address)
    .replaceAll('192.0.2.21', nodeOf('edge-2').address)
    .replaceAll('192.0.2.50', `${subnet}.150`);
}

async function type({ host, script }: Block): Promise<string> {
  const { stdout } = await labExec(name, host, ['/bin/sh', '-exc', addressed(script)], { timeoutMs: 120_000 });
  await deliver(join(nodeOf(host).root, 'run/post'));
  return stdout;
}

/** `/run/post/<address>:<path>` → that path of the node with the address. */
async function deliver(post: string): Promise<void> {
  await mkdir(post, { recursive: true });
  const entries = await readdir(post, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const from = join(entry.parentPath, entry.name);
    const [address = '', path = ''] = relative(post, from).split(':');
    const node = lab.nodes.find((one) => one.address === address);
    if (!node) throw new Error(`nobody has the address ${address}`);
    await copyFile(from, join(nodeOf(node.name).root, path));
  }
  await rm(post, { recursive: true });
}

const containersOn = (host: string): Promise<string[]> =>
  readdir(join(nodeOf(host).root, 'run/runc')).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });

interface Self {
  nonce: string;
  counter: number;
  checksum: { ok: boolean };
}

test('the guide for two machines moves a workload there and back, the same process all the time', async () => {
  const blocks = blocksOf(await readFile(guide, 'utf8'));
  expect(new Set(blocks.map(({ host }) => host))).toEqual(new Set(['cloud-1', 'edge-1', 'edge-2']));

  const said: string[] = [];
  for (const block of blocks) said.push(await type(block));
  const output = said.join('\n');

  const selves = [...output.matchAll(/^\{"app":"counter".*\}$/gm)].map(([line]) => JSON.parse(line) as Self);
  expect(selves).toHaveLength(3);
  expect(new Set(selves.map(({ nonce }) => nonce)).size).toBe(1);
  expect(selves.map(({ counter }) => counter)).toEqual([1, 2, 3]);
  expect(selves.every(({ checksum }) => checksum.ok)).toBe(true);

  const places = [...output.matchAll(/^counter +(\S+) +Running +edge-1 +memory/gm)].map(([, node]) => node);
  expect(places).toEqual(['edge-1', 'cloud-1']);
  expect(output).toMatch(/^m-\S+ +counter +edge-1 +cloud-1 +warm +succeeded/m);
  expect(output).toMatch(/^edge-2 +Ready +plant/m);
  expect(output).toMatch(/^policy\/careful /m);
  for (const { name: host } of lab.nodes) expect(await containersOn(host), `containers on ${host}`).toEqual([]);
}, 600_000);
