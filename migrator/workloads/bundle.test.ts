import { expect, test } from 'vitest';
import { adaptConfig, type BundlePlan, type OciConfig } from './bundle.ts';

const plan: BundlePlan = {
  rootfs: '/w/rootfs',
  cgroup: '/godwit/w.1',
  netns: '/run/netns/godwit-w',
  mayRaiseLimits: true,
};
const config: OciConfig = {
  ociVersion: '1.2.0',
  process: { args: ['/app'], rlimits: [{ type: 'RLIMIT_NOFILE' }], oomScoreAdj: 100 },
  root: { path: 'rootfs', readonly: true },
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'network', path: '/run/netns/old' }],
    cgroupsPath: '/old',
    seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
  },
};

test('root, cgroup and network are this node’s, everything else stays', () => {
  expect(adaptConfig(config, plan)).toEqual({
    ...config,
    root: { path: '/w/rootfs', readonly: true },
    linux: {
      ...config.linux,
      cgroupsPath: '/godwit/w.1',
      namespaces: [{ type: 'pid' }, { type: 'network', path: '/run/netns/godwit-w' }],
    },
  });
});

test('without a network of its own the container gets a fresh one, not the old node’s', () => {
  const { linux } = adaptConfig(config, { ...plan, netns: undefined });
  expect(linux?.namespaces).toContainEqual({ type: 'network' });
});

test('what needs CAP_SYS_RESOURCE goes where it is missing', () => {
  const { process } = adaptConfig(config, { ...plan, mayRaiseLimits: false });
  expect(process).toEqual({ args: ['/app'] });
});

test('a configuration without process, mounts and namespaces is no fault', () => {
  expect(adaptConfig({}, plan).root).toEqual({ path: '/w/rootfs' });
});
