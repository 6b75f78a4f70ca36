import { expect, test } from 'vitest';
import { cgroupPath, ownMounts, podFolderIn, upperIn } from './place.ts';

test("a container's cgroup, by either driver", () => {
  expect(cgroupPath('/kubepods/besteffort/pod1/c1')).toBe('/kubepods/besteffort/pod1/c1');
  expect(cgroupPath('kubepods-burstable-pod1_2.slice:cri-containerd:c1')).toBe(
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-c1.scope',
  );
});

test("the kubelet's folder of a pod, wherever its root is", () => {
  const mounts = [
    { destination: '/proc', source: 'proc' },
    { destination: '/x', source: '/data/kubelet/pods/uid-1x/etc-hosts' },
    { destination: '/etc/hosts', source: '/data/kubelet/pods/uid-1/etc-hosts' },
  ];
  expect(podFolderIn({ mounts }, 'uid-1')).toBe('/data/kubelet/pods/uid-1');
  expect(podFolderIn({ mounts: mounts.slice(0, 2) }, 'uid-1')).toBeUndefined();
});

test('the upper layer of the overlay that is mounted at a path, and at no other', () => {
  const lines = [
    '30 20 0:40 / /run/c/a/rootfs rw,relatime shared:9 - overlay overlay rw,lowerdir=1/fs:2/fs,upperdir=/s/3/fs,workdir=/s/3/work',
    '31 20 0:41 / /run/c/ab/rootfs rw - overlay overlay rw,lowerdir=1/fs,upperdir=/s/4/fs,workdir=/s/4/work',
    '32 20 0:42 / /run/c/b/rootfs rw - ext4 /dev/sda rw,upperdir=/no',
  ].join('\n');
  expect(upperIn(lines, '/run/c/a/rootfs')).toBe('/s/3/fs');
  expect(upperIn(lines, '/run/c/ab/rootfs')).toBe('/s/4/fs');
  expect(upperIn(lines, '/run/c/b/rootfs')).toBeUndefined();
  expect(upperIn(lines, '/run/c')).toBeUndefined();
});

test("mounts of a pod's own are expected at the target; those of the node, of claims and of other pods are not", () => {
  const own = ownMounts('uid-1', 'sandbox-1');
  const kubelet = '/var/lib/kubelet/pods/uid-1';
  const isOwn = (source: string): boolean => own.some((pattern) => pattern.test(source));
  const expected = [
    `${kubelet}/etc-hosts`,
    `${kubelet}/containers/main/a4c6e20c`,
    `${kubelet}/volumes/kubernetes.io~empty-dir/data`,
    `${kubelet}/volumes/kubernetes.io~projected/kube-api-access`,
    `${kubelet}/volumes/kubernetes.io~secret/keys`,
    '/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/sandbox-1/resolv.conf',
    '/run/containerd/io.containerd.grpc.v1.cri/sandboxes/sandbox-1/shm',
  ];
  const others = [
    '/srv/data',
    `${kubelet}/volumes/kubernetes.io~csi/pvc-1/mount`,
    `${kubelet}/volumes/kubernetes.io~local-volume/pv`,
    `${kubelet}/etc-hosts.d/x`,
    '/var/lib/kubelet/pods/uid-2/volumes/kubernetes.io~empty-dir/data',
    '/run/containerd/io.containerd.grpc.v1.cri/sandboxes/sandbox-2/shm',
  ];
  expect(expected.filter((source) => !isOwn(source))).toEqual([]);
  expect(others.filter(isOwn)).toEqual([]);
});
