import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { labDown, labStart, labUp } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { eventually, footprint, node, nodeOf, sh, testLabs, tracesOf } from './lab-helpers.ts';

const labs = testLabs();
afterAll(() => labs.downAll());

const nodes = [node('a', 'left'), node('b', 'right')];

async function expectWhole(lab: LabStatus): Promise<void> {
  for (const [from, to] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const)
    expect(await sh(lab, from, `busybox ping -c 2 -W 5 ${to}`)).toMatch(/[12] packets received/);
  expect(await sh(lab, 'b', 'busybox ping -c 2 -W 5 outside')).toMatch(/[12] packets received/);
}

test('what a lab leaves would be seen', async () => {
  const left = await footprint(await labs.up(nodes));
  const traces = (await tracesOf(left)).join('\n');
  for (const trace of [
    /\/run\/godwit-lab\/\S+$/m,
    /\/var\/lib\/godwit-lab\/\S+$/m,
    /\.sysctls\/users\//,
    /\/class\/net\/godwit/,
  ])
    expect(traces).toMatch(trace);
  for (const trace of [/ net:\[/, / mnt:\[/, / pid:\[/, /:cpu\S*:.*godwit-lab-/, /\/switch /, / overlay /])
    expect(traces).toMatch(trace);
});

test('down leaves nothing, though processes are frozen in groups below and a mount is in use', async () => {
  const lab = await labs.up(nodes);
  const { innerPid } = await labStart(lab.name, 'b', ['sleep', '1000'], { name: 'sleeper' });
  const freeze = `
    for base in freezer memory pids; do
      mkdir -p /sys/fs/cgroup/$base/pod/box
      echo ${innerPid} >/sys/fs/cgroup/$base/pod/box/cgroup.procs
    done
    echo FROZEN >/sys/fs/cgroup/freezer/pod/freezer.state
    until grep -q FROZEN /sys/fs/cgroup/freezer/pod/freezer.state; do sleep 0.01; done
    mount -t tmpfs inner /mnt`;
  await sh(lab, 'b', freeze);
  const left = await footprint(lab);
  await labDown(lab.name);
  expect(await tracesOf(left)).toEqual([]);
});

test('down leaves nothing after kill -9 of first processes, of their parents, and of a service’s', async () => {
  const lab = await labs.up([...nodes, node('c', 'right')]);
  await labStart(lab.name, 'b', ['sleep', '1000'], { name: 'sleeper' });
  const left = await footprint(lab);
  process.kill(nodeOf(lab, 'a').pid, 'SIGKILL');
  process.kill(await parentOf(nodeOf(lab, 'b').pid), 'SIGKILL');
  process.kill(await parentOf(nodeOf(lab, 'c').pid), 'SIGKILL');
  process.kill(nodeOf(lab, 'c').pid, 'SIGKILL');
  await labDown(lab.name);
  expect(await tracesOf(left)).toEqual([]);
});

async function parentOf(pid: number): Promise<number> {
  const parent = Number(/^PPid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
  expect(await readFile(`/proc/${parent}/comm`, 'utf8')).toBe('unshare\n');
  return parent;
}

test('a second up repairs a dead node, a pulled cable and a lost plug, and leaves the rest running', async () => {
  const lab = await labs.up(nodes);
  await sh(lab, 'a', 'echo kept >/var/lib/godwit/mark');
  process.kill(nodeOf(lab, 'a').pid, 'SIGKILL');
  const revived = await labUp({ name: lab.name, nodes });
  await expectWhole(revived);
  expect(await sh(revived, 'a', 'cat /var/lib/godwit/mark')).toBe('kept');
  expect(nodeOf(revived, 'b').pid).toBe(nodeOf(lab, 'b').pid);
  expect(nodeOf(revived, 'a').address).toBe(nodeOf(lab, 'a').address);

  const port = `n${nodeOf(lab, 'b').address.split('.').at(-1)}`;
  await inSwitch(lab.name, 'ip', 'link', 'del', port);
  await expectWhole(await labUp({ name: lab.name, nodes }));
  await inSwitch(lab.name, 'ip', 'link', 'del', 'host');
  await expectWhole(await labUp({ name: lab.name, nodes }));
});

async function inSwitch(lab: string, ...argv: string[]): Promise<void> {
  const child = spawn('nsenter', [`--net=/run/godwit-lab/${lab}/switch`, ...argv], { stdio: 'inherit' });
  expect(await once(child, 'exit')).toEqual([0, null]);
}

test('an up that is killed at any moment can be repaired, and taken down', async () => {
  const moments = [30, 80, 130, 180, 250, 350];
  for (const [index, afterMs] of moments.entries()) {
    const name = labs.name();
    await killedUp(name, afterMs);
    if (index % 2 === 0) await expectWhole(await labUp({ name, nodes }));
    const left = await leftOf(name);
    await labDown(name);
    // a first process that was on its way when `up` died has no record; it ends by itself
    expect(await eventually(async () => ((await tracesOf(left)).length === 0 ? 'nothing' : undefined), 3000)).toBe(
      'nothing',
    );
  }
}, 180_000);

/** Whatever there is of a lab that may not even be half raised. */
async function leftOf(name: string): Promise<Parameters<typeof tracesOf>[0]> {
  const subnet = await readFile(`/run/godwit-lab/${name}/lab.json`, 'utf8').then(
    (text) => (JSON.parse(text) as { subnet?: number }).subnet,
    () => undefined,
  );
  return { lab: name, namespaces: [], takenTicks: 0, device: `godwit${subnet ?? '-none'}` };
}

async function killedUp(name: string, afterMs: number): Promise<void> {
  const module = join(import.meta.dirname, '../../lab/lab.ts');
  const code = `import { labUp } from ${JSON.stringify(module)};
    console.log('go');
    await labUp(${JSON.stringify({ name, nodes })});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  await exit;
  clearTimeout(timer);
}

test('a mount on a node’s disk is never deleted through', async () => {
  const lab = await labs.up(nodes);
  const target = `/var/lib/godwit-lab/${lab.name}/a/data`;
  const source = `/var/tmp/${lab.name}`;
  await run('mkdir', source);
  await writeFile(join(source, 'precious'), '');
  try {
    await run('mount', '--bind', source, target);
    await expect(labDown(lab.name)).rejects.toMatchObject({ code: 'E_LAB', message: `${target} is mounted` });
    expect(await readdir(source)).toEqual(['precious']);
  } finally {
    await run('umount', target);
    await run('rm', '-r', source);
  }
  await labDown(lab.name);
});

async function run(...[file = '', ...args]: string[]): Promise<void> {
  expect(await once(spawn(file, args, { stdio: 'inherit' }), 'exit')).toEqual([0, null]);
}
