import { expect, test } from 'vitest';
import { ociConfig } from './oci-config.ts';

const config = ociConfig({
  hostname: 'counter',
  process: { args: ['/app/main'], env: ['PATH=/bin', 'MIB=1'] },
  mounts: [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: [] }],
});

test('holds nothing that CRIU could not restore without CAP_SYS_RESOURCE', () => {
  const text = JSON.stringify(config);
  for (const word of ['rlimits', 'oomScoreAdj', 'cgroupsPath', 'resources']) expect(text).not.toContain(word);
  expect(config).toMatchObject({
    process: { terminal: false, args: ['/app/main'], env: ['PATH=/bin', 'MIB=1'], cwd: '/', user: { uid: 0 } },
  });
});

test('io_uring answers as on a kernel without it', () => {
  expect(config).toMatchObject({
    linux: {
      seccomp: {
        syscalls: [{ names: expect.arrayContaining(['io_uring_setup']), action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
      },
    },
  });
});

test('every namespace is private, the network one without a path', () => {
  expect(config).toMatchObject({
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'ipc' }, { type: 'uts' }, { type: 'network' }] },
  });
});

test('what the program says of its process counts, and its mounts follow those of the system', () => {
  const user = { uid: 33, gid: 33, additionalGids: [4] };
  const spec = { hostname: 'web', process: { args: ['/web'], env: [], cwd: '/srv', user }, mounts: [] };
  expect(ociConfig(spec)).toMatchObject({ hostname: 'web', process: { cwd: '/srv', user, terminal: false } });
  expect((config as { mounts: object[] }).mounts).toMatchObject(
    ['/proc', '/dev', '/sys', '/tmp'].map((destination) => ({ destination })),
  );
});
