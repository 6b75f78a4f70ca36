import { expect, test } from 'vitest';
import { ociConfig } from './oci-config.ts';

const config = ociConfig({ args: ['/app/main'], env: { MIB: '1' }, hostname: 'counter' });

test('holds nothing that CRIU could not restore without CAP_SYS_RESOURCE', () => {
  const text = JSON.stringify(config);
  for (const word of ['rlimits', 'oomScoreAdj', 'cgroupsPath', 'resources']) expect(text).not.toContain(word);
  expect(config).toMatchObject({
    process: { terminal: false, args: ['/app/main'], env: ['PATH=/usr/bin:/bin', 'MIB=1'] },
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
