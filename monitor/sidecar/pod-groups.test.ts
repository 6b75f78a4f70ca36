import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { podGroups } from './pod-groups.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pod-groups-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const uid = '6e740e6a-e840-4999-870f-128c77ec7eac';
const sandbox = 'a'.repeat(64);
const mountinfo = `1 2 0:1 /sandboxes/${sandbox}/hostname /etc/hostname ro - ext4 /dev/x ro\n`;

/** The pod's groups of a sandbox, an app and this very container; answers what the sidecar finds. */
function found(folder: string, of: (id: string) => string) {
  const ids = [sandbox, 'b'.repeat(64), 'c'.repeat(64)].map(of);
  for (const id of ids) mkdirSync(join(root, folder, id), { recursive: true });
  // a mount of the same group in reality: the same folder under another path
  const own = join(root, folder, ids[2] ?? '');
  return { ids, source: podGroups({ cgroup: root, own, mountinfo, uid, workload: 'plant.a' }) };
}

describe('v2', () => {
  test.each([
    ['cgroupfs', `kubepods/burstable/pod${uid}`, (id: string) => id],
    ['cgroupfs, guaranteed', `kubepods/pod${uid}`, (id: string) => id],
    [
      'systemd',
      `kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${uid.replaceAll('-', '_')}.slice`,
      (id: string) => `cri-containerd-${id}.scope`,
    ],
  ])('%s: the other containers, neither itself nor the sandbox', (_, folder, of) => {
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory\n');
    const { ids, source } = found(folder, of);
    expect(source.list().sort()).toEqual([...ids].sort());
    expect(ids.map((id) => source.identify(id))).toEqual([
      undefined,
      { workload: 'plant.a', paths: { '': join(root, folder, ids[1] ?? '') } },
      undefined,
    ]);
  });
});

test('v1: one folder a controller, as far as they are there', () => {
  const folder = `kubepods/burstable/pod${uid}`;
  const app = 'b'.repeat(64);
  for (const hierarchy of ['cpu', 'cpuacct', 'memory'])
    mkdirSync(join(root, hierarchy, folder, app), { recursive: true });
  const own = join(root, 'own');
  mkdirSync(join(own, 'memory'), { recursive: true });
  const source = podGroups({ cgroup: root, own, mountinfo, uid, workload: 'plant.a' });
  expect(source.identify(app)).toEqual({
    workload: 'plant.a',
    paths: Object.fromEntries(['cpu', 'cpuacct', 'memory'].map((name) => [name, join(root, name, folder, app)])),
  });
});

test('a pod that is not here has no containers', () => {
  const source = podGroups({ cgroup: root, own: root, mountinfo: '', uid, workload: 'plant.a' });
  expect(source.list()).toEqual([]);
});
