import { expect, test } from 'vitest';
import { imageConfig, imageProcessSchema } from './image-config.ts';

/** As `umoci unpack` writes it, with what CRIU or Godwit would stumble over. */
const ofUmoci = {
  terminal: true,
  user: { uid: 101, gid: 102, additionalGids: [7] },
  args: ['/web', '--port', '80'],
  env: ['PATH=/bin', 'HOME=/home/web'],
  cwd: '/data',
  capabilities: { bounding: ['CAP_AUDIT_WRITE'], ambient: ['CAP_AUDIT_WRITE'] },
  rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
};
const configFor = (process: object): object => imageConfig(imageProcessSchema.parse(process), 'shop');

test('program, environment, folder and user are the image’s, all else is what can be moved', () => {
  const { user, args, env, cwd } = ofUmoci;
  const config = configFor(ofUmoci);
  expect(config).toMatchObject({ hostname: 'shop', process: { user, args, env, cwd, terminal: false } });
  expect(JSON.stringify(config)).not.toMatch(/rlimits|AUDIT_WRITE|ambient|cgroup|mqueue/);
  expect(config).toMatchObject({
    linux: { seccomp: { syscalls: [{ names: expect.arrayContaining(['io_uring_setup']) }] } },
  });
});

test('root in an image may change users and owners, another user holds nothing', () => {
  const root = configFor({ ...ofUmoci, user: { uid: 0, gid: 0 } });
  const setuid = expect.arrayContaining(['CAP_SETUID', 'CAP_CHOWN']);
  expect(root).toMatchObject({ process: { capabilities: { effective: setuid, permitted: setuid } } });
  expect(configFor(ofUmoci)).toMatchObject({ process: { capabilities: { effective: [], permitted: [] } } });
});

test('no mount comes from the node, and the image’s folders stay in sight', () => {
  const { mounts } = configFor(ofUmoci) as { mounts: { destination: string; type: string }[] };
  expect(mounts.map(({ destination }) => destination)).toEqual(['/proc', '/dev', '/sys', '/dev/pts', '/dev/shm']);
  expect(mounts.filter(({ type }) => type === 'bind')).toEqual([]);
});

test('an image without a program is a fault', () => {
  expect(imageProcessSchema.safeParse({ ...ofUmoci, args: [] }).success).toBe(false);
});
