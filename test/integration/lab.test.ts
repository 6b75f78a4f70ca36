import { access, readFile, readlink } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  labCommand,
  labDown,
  labExec,
  labKill,
  labServices,
  labStart,
  labStatus,
  labStatusAll,
  labUp,
  linkCut,
} from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { dial, eventually, footprint, node, nodeOf, sh, testLabs, tracesOf } from './lab-helpers.ts';

const labs = testLabs();
let lab: LabStatus;

beforeAll(async () => {
  lab = await labs.up([
    node('hub', 'central', { cores: 2 }),
    node('edge-1', 'plant', { cores: 0.2, memoryBytes: 96 * 2 ** 20 }),
    node('cloud-1', 'central'),
  ]);
}, 300_000); // the first time on a machine the root file system is built

afterAll(() => labs.downAll());

describe('nodes', () => {
  test('have names, namespaces and addresses of their own', async () => {
    const namespaces = new Set<string>();
    for (const kind of ['mnt', 'net', 'pid', 'uts', 'ipc', 'cgroup']) {
      namespaces.add(await readlink(`/proc/self/ns/${kind}`));
      for (const { name } of lab.nodes) namespaces.add(await readlink(`/proc/${nodeOf(lab, name).pid}/ns/${kind}`));
    }
    expect(namespaces.size).toBe(6 * 4);
    for (const { name, address } of lab.nodes) {
      expect(await sh(lab, name, 'hostname')).toBe(name);
      expect(await sh(lab, name, 'ip -4 -o addr show eth0')).toContain(` ${address}/24 `);
      expect(await readFile(`${nodeOf(lab, name).root}/proc/sys/kernel/hostname`, 'utf8')).toBeTruthy();
    }
  });

  test('reach each other and this machine by name', async () => {
    for (const { name } of lab.nodes)
      for (const peer of [...lab.nodes.map((other) => other.name), 'outside'])
        expect(await sh(lab, name, `busybox ping -c 2 -W 5 ${peer}`)).toMatch(/[12] packets received/);
  });

  test('have the tools: CRIU that works here, NATS 2.14, Node 24, the checkout', async () => {
    expect(await sh(lab, 'hub', 'criu check')).toContain('Looks good.');
    expect(await sh(lab, 'hub', 'node --version')).toMatch(/^v24\./);
    const [, minor] = /v2\.(\d+)/.exec(await sh(lab, 'hub', 'nats-server --version')) ?? [];
    expect(Number(minor)).toBeGreaterThanOrEqual(14);
    for (const tool of ['runc', 'nft', 'arping', 'zstd', 'tar', 'tc']) await sh(lab, 'hub', `command -v ${tool}`);
    expect(await sh(lab, 'hub', 'cat /opt/godwit/package.json')).toContain('"godwit"');
    expect(await sh(lab, 'hub', 'readlink /usr/local/bin/godwit')).toBe('/opt/godwit/bin/godwit');
    await expect(sh(lab, 'hub', 'touch /opt/godwit/x')).rejects.toThrow(/Read-only/);
  });

  test('see what the lab binds, read-only, and keep their disks apart', async () => {
    const name = labs.name();
    const bound = await labUp({
      name,
      nodes: [node('a', 's'), node('b', 's')],
      binds: [{ source: import.meta.dirname, target: '/opt/bundles' }],
    });
    expect(await sh(bound, 'a', 'ls /opt/bundles')).toContain('lab.test.ts');
    await expect(sh(bound, 'a', 'touch /opt/bundles/x')).rejects.toThrow(/Read-only/);
    await sh(bound, 'a', 'echo mine >/var/tmp/mark');
    expect(await readFile(`${nodeOf(bound, 'a').root}/var/tmp/mark`, 'utf8')).toBe('mine\n');
    await expect(sh(bound, 'b', 'cat /var/tmp/mark')).rejects.toThrow(/No such file/);
  });
});

describe('limits', () => {
  test('are the root of what the node sees', async () => {
    expect(await sh(lab, 'edge-1', 'cut -d: -f3 /proc/self/cgroup | sort -u')).toBe('/');
    const memory = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max';
    expect(await sh(lab, 'edge-1', memory)).toBe(String(96 * 2 ** 20));
    const quota = 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 /sys/fs/cgroup/cpu.max';
    expect(await sh(lab, 'edge-1', quota)).toBe('20000');
  });

  test('hold for what is run in the node', async () => {
    const spin =
      'const until = Date.now() + 1500; while (Date.now() < until); console.log(process.cpuUsage().user / 1.5e6)';
    const { stdout } = await labExec(lab.name, 'edge-1', ['node', '-e', spin]);
    expect(Number(stdout)).toBeLessThan(0.4);
    const grow = ['node', '-e', 'Buffer.alloc(2 ** 28, 1)'];
    expect(await labExec(lab.name, 'edge-1', grow, { allowFailure: true })).toMatchObject({ exitCode: 137 });
  });
});

describe('exec', () => {
  test('passes environment, folder, input and exit code, and nothing of the caller', async () => {
    process.env.GODWIT_TEST_SECRET = 'no';
    const script = 'pwd; echo "$GREETING"; cat; env | grep -c SECRET; exit 7';
    const options = { cwd: '/var/tmp', env: { GREETING: 'hello' }, input: 'in\n', allowFailure: true };
    const result = await labExec(lab.name, 'hub', ['/bin/sh', '-c', script], options);
    delete process.env.GODWIT_TEST_SECRET;
    expect(result).toEqual({ exitCode: 7, stdout: '/var/tmp\nhello\nin\n0', stderr: '' });
  });

  test('tells failures by code', async () => {
    await expect(labExec(lab.name, 'hub', ['sh', '-c', 'echo why >&2; exit 3'])).rejects.toMatchObject({
      code: 'E_EXEC',
      message: 'hub: sh -c echo why >&2; exit 3: why',
    });
    await expect(labExec(lab.name, 'nobody', ['true'])).rejects.toMatchObject({ code: 'E_LAB' });
    await expect(labExec('nowhere', 'hub', ['true'])).rejects.toMatchObject({ code: 'E_LAB' });
  });

  test('ends what it started at a timeout or an abort', async () => {
    const argv = ['sh', '-c', 'sleep 98765; true'];
    await expect(labExec(lab.name, 'hub', argv, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'E_TIMEOUT' });
    const signal = AbortSignal.timeout(200);
    await expect(labExec(lab.name, 'hub', argv, { signal })).rejects.toMatchObject({ code: 'E_CANCELLED' });
    await eventually(async () => ((await sh(lab, 'hub', 'ps ax')).includes('sleep 98765') ? undefined : true));
  });

  test('can be left to the caller to spawn', async () => {
    const { file, args } = await labCommand(lab.name, 'hub', ['true'], { cwd: '/tmp' });
    expect([file, ...args.slice(-4)]).toEqual(['/bin/sh', 'env', '-C', '/tmp', 'true']);
  });
});

describe('services', () => {
  test('outlive the caller, log, are listed and take signals', async () => {
    const script = 'trap "echo bye; exit" TERM; echo up; while :; do sleep 0.05; done';
    const service = await labStart(lab.name, 'hub', ['/bin/sh', '-c', script], { name: 'waiter' });
    expect(await sh(lab, 'hub', `ps -o ppid= -p ${service.innerPid}`)).toMatch(/^\s*1$/);
    await eventually(async () => ((await readFile(service.log, 'utf8')) === 'up\n' ? true : undefined));
    expect(await labServices(lab.name, 'hub')).toContainEqual(service);
    expect(await labKill(lab.name, 'hub', service.pid, { waitMs: 5000 })).toBe(true);
    expect(await readFile(service.log, 'utf8')).toBe('up\nbye\n');
    expect(await labServices(lab.name, 'hub')).toContainEqual({ ...service, running: false });
    expect(await labKill(lab.name, 'hub', service.pid)).toBe(false);
    await expect(labKill(lab.name, 'hub', 1)).rejects.toMatchObject({ code: 'E_LAB' });
  });

  test('that can not start say why', async () => {
    await expect(labStart(lab.name, 'hub', ['no-such-tool'], { name: 'x' })).rejects.toThrow('no-such-tool: not found');
    const dies = await labStart(lab.name, 'hub', ['sh', '-c', 'echo bad flag >&2; exit 1'], { name: 'y' });
    await eventually(async () => ((await readFile(dies.log, 'utf8')) === 'bad flag\n' ? true : undefined));
  });

  test('can be a NATS server that this machine reaches', async () => {
    const { address } = nodeOf(lab, 'cloud-1');
    await labStart(lab.name, 'cloud-1', ['nats-server', '-a', '0.0.0.0', '-p', '4222'], { name: 'nats' });
    const socket = await eventually(() => dial(address, 4222));
    const [greeting] = (await new Promise((resolve) => socket.once('data', (data) => resolve([String(data)])))) as [
      string,
    ];
    socket.destroy();
    expect(greeting).toMatch(/^INFO \{/);
  });
});

describe('labs', () => {
  test('stand side by side, raised at the same time', async () => {
    const pair = await Promise.all([labs.up([node('a', 's')]), labs.up([node('a', 's')])]);
    const [one, two] = pair;
    expect(new Set(pair.map(({ subnet }) => subnet)).size).toBe(2);
    for (const each of pair)
      expect(await sh(each, 'a', 'busybox ping -c 2 -W 5 outside')).toMatch(/[12] packets received/);
    const all = (await labStatusAll()).map(({ name }) => name);
    expect(all).toEqual(expect.arrayContaining(pair.map(({ name }) => name)));
    const left = await footprint(one);
    await labDown(one.name);
    expect(await tracesOf(left)).toEqual([]);
    expect(await sh(two, 'a', 'hostname')).toBe('a');
  });

  test('are left alone by a second up, and follow a changed spec', async () => {
    const name = labs.name();
    const first = await labUp({ name, nodes: [node('a', 's'), node('b', 's')] });
    const same = await labUp({ name, nodes: [node('a', 's'), node('b', 's')] });
    expect(same).toEqual(first);
    const changed = await labUp({ name, nodes: [node('a', 's', { cores: 0.5 }), node('c', 't')] });
    expect(nodeOf(changed, 'a')).toEqual({ ...nodeOf(first, 'a'), cores: 0.5 });
    expect(changed.nodes.map((each) => each.name)).toEqual(['a', 'c']);
    await expect(access(`/proc/${nodeOf(first, 'b').pid}`)).rejects.toThrow('ENOENT');
    await expect(access(`/var/lib/godwit-lab/${name}/b`)).rejects.toThrow('ENOENT');
    expect(await sh(changed, 'a', 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /etc/hosts')).toMatch(/^50000\n.* c$/s);
    expect(await sh(changed, 'a', 'busybox ping -c 2 -W 5 c')).toMatch(/[12] packets received/);
    expect(await labStatus(name)).toEqual(changed);
    const moved = await labUp({ name, nodes: [node('a', 't', { cores: 0.5 }), node('c', 't')] });
    expect(nodeOf(moved, 'a').pid).not.toBe(nodeOf(changed, 'a').pid);
    expect(nodeOf(moved, 'c').pid).toBe(nodeOf(changed, 'c').pid);
    await linkCut(name, { site: 't' });
    expect(await sh(moved, 'a', 'busybox ping -c 2 -W 5 c')).toMatch(/[12] packets received/);
  });

  test('are raised once by callers that come at the same time', async () => {
    const spec = { name: labs.name(), nodes: [node('a', 's'), node('b', 's')] };
    const [one, two, three] = await Promise.all([labUp(spec), labUp(spec), labUp(spec)]);
    expect([two, three]).toEqual([one, one]);
  });

  test('are refused with every fault of their spec', async () => {
    const faulty = { name: 'No', nodes: [node('a', 's'), { ...node('a', 's'), cores: -1 }], binds: [] };
    await expect(labUp(faulty)).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringMatching(/name: .*nodes\[1\]\.cores: .*nodes\[1\]\.name: is the name of nodes\[0\]/s),
    });
  });

  test('that are taken down twice, or never were, are no error', async () => {
    const { name } = await labs.up([node('a', 's')]);
    await Promise.all([labDown(name), labDown(name)]);
    await labDown(name);
    await expect(labStatus(name)).rejects.toMatchObject({ code: 'E_LAB' });
  });
});
