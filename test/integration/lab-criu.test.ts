import { cp } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { labDown, labExec, labKill, labStart } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { eventually, footprint, node, nodeOf, sh, testLabs, tracesOf } from './lab-helpers.ts';

const labs = testLabs();
afterAll(() => labs.downAll());

const bundle = '/var/lib/godwit/bundle';
const images = '/var/lib/godwit/images';
const count = `${bundle}/rootfs/count`;

const prepare = `
  mkdir -p /etc/criu ${images} ${bundle}/rootfs/bin ${bundle}/rootfs/proc ${bundle}/rootfs/dev ${bundle}/rootfs/sys
  printf 'network-lock skip\\n' >/etc/criu/runc.conf
  cp /bin/busybox ${bundle}/rootfs/bin/
  for tool in sh sleep head tr; do ln -s busybox ${bundle}/rootfs/bin/$tool; done
  cd ${bundle} && runc spec && cat config.json`;

/** Counts, and tells each time how much it still has of 8 MiB that it keeps in memory alone. */
const counter = `kept=$(head -c 8388608 /dev/zero | tr '\\0' x); i=0
  while :; do i=$((i+1)); echo $i \${#kept} >/count.new; : >/count; read -r line </count.new; echo $line >/count; sleep 0.02; done`;

async function makeBundle(lab: LabStatus, name: string): Promise<void> {
  const config = JSON.parse(await sh(lab, name, prepare));
  config.process.terminal = false;
  config.process.args = ['sh', '-c', counter];
  delete config.process.rlimits; // they need CAP_SYS_RESOURCE, which not every machine has
  config.root.readonly = false;
  const input = JSON.stringify(config);
  await labExec(lab.name, name, ['sh', '-c', `cat >${bundle}/config.json`], { input });
}

async function counted(lab: LabStatus, name: string): Promise<number> {
  return eventually(async () => {
    const [, number] = /^(\d+) 8388608$/.exec(await sh(lab, name, `cat ${count}`)) ?? [];
    return number === undefined ? undefined : Number(number);
  });
}

test('a container moves with its memory, pages sent straight to the other node', async () => {
  const lab = await labs.up([
    node('edge-1', 'plant', { memoryBytes: 2 ** 29 }),
    node('cloud-1', 'central', { memoryBytes: 2 ** 29 }),
  ]);
  for (const name of ['edge-1', 'cloud-1']) await makeBundle(lab, name);
  await sh(lab, 'edge-1', `cd ${bundle} && runc run -d box </dev/null >/dev/null 2>&1`);
  await eventually(async () => ((await counted(lab, 'edge-1')) > 3 ? true : undefined));

  const server = ['criu', 'page-server', '-D', images, '--port', '27000'];
  const pages = await labStart(lab.name, 'cloud-1', server, { name: 'page-server' });
  const listening = 'grep -hc ":6978 .* 0A " /proc/net/tcp /proc/net/tcp6 || true';
  await eventually(async () => (/1/.test(await sh(lab, 'cloud-1', listening)) ? true : undefined));
  const address = `${nodeOf(lab, 'cloud-1').address}:27000`;
  await sh(lab, 'edge-1', `runc checkpoint --image-path ${images} --work-path ${images} --page-server ${address} box`);
  const before = await counted(lab, 'edge-1');
  await eventually(async () =>
    (await labKill(lab.name, 'cloud-1', pages.pid, { signal: 'SIGCONT' })) ? undefined : true,
  );

  const [source, target] = [nodeOf(lab, 'edge-1').root, nodeOf(lab, 'cloud-1').root];
  await cp(`${source}${images}`, `${target}${images}`, { recursive: true, force: false });
  await cp(`${source}${bundle}/rootfs`, `${target}${bundle}/rootfs`, { recursive: true, verbatimSymlinks: true });
  const restore = `runc restore -d --bundle ${bundle} --image-path ${images} --work-path /tmp box`;
  await sh(lab, 'cloud-1', `${restore} </dev/null >/dev/null 2>&1 || { tail -n 5 /tmp/restore.log >&2; exit 1; }`);
  await eventually(async () => ((await counted(lab, 'cloud-1')) > before ? true : undefined));
  expect(await sh(lab, 'edge-1', 'runc list -q')).toBe('');

  await sh(lab, 'cloud-1', 'runc pause box');
  const left = await footprint(lab);
  await labDown(lab.name);
  expect(await tracesOf(left)).toEqual([]);
});
