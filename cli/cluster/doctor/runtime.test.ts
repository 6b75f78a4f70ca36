import { expect, test } from 'vitest';
import { kubeletCheckpoint, runtimeOf } from './runtime.ts';

test.each([
  // version, checkpoint, restore, has published holes
  ['containerd://1.7.28', 'no', 'no', false],
  ['containerd://2.0.0', 'yes', 'no', false],
  ['containerd://2.0.11', 'yes', 'no', false],
  ['containerd://2.1.0', 'yes', 'yes', true],
  ['containerd://2.1.8', 'yes', 'yes', true],
  ['containerd://2.1.9', 'yes', 'yes', false],
  ['containerd://2.1.9+ds1', 'yes', 'yes', false],
  ['containerd://2.2.4', 'yes', 'yes', true],
  ['containerd://2.2.5', 'yes', 'yes', false],
  ['containerd://2.2.6', 'yes', 'yes', false],
  ['containerd://2.2.7', 'yes', 'setting', false],
  ['containerd://2.2.10', 'yes', 'setting', false],
  ['containerd://2.3.0', 'yes', 'yes', true],
  ['containerd://2.3.1', 'yes', 'yes', true],
  ['containerd://2.3.2', 'yes', 'yes', false],
  ['containerd://2.3.3', 'yes', 'yes', false],
  ['containerd://2.3.4', 'yes', 'setting', false],
  ['containerd://v2.3.4-k3s1', 'yes', 'setting', false],
  ['containerd://2.4.0-beta.0', 'yes', 'no', false],
  ['containerd://2.10.1', 'yes', 'no', false],
  ['containerd://3.0.0', 'yes', 'no', false],
  ['cri-o://1.24.6', 'no', 'no', false],
  ['cri-o://1.25.0', 'setting', 'setting', true],
  ['cri-o://1.31.1', 'yes', 'setting', true],
  ['cri-o://1.32.0', 'yes', 'setting', false],
  ['cri-o://1.36.4', 'yes', 'setting', false],
])('%s: checkpoint %s, restore %s, holes %s', (told, checkpoint, restore, holes) => {
  const runtime = runtimeOf(told);
  expect(runtime).toMatchObject({ checkpoint, restore });
  expect(runtime?.holes !== undefined).toBe(holes);
  expect(runtime?.setting !== undefined).toBe(restore === 'setting');
});

test.each([
  ['containerd://2.2.7', /enable_experimental_restore_via_create/],
  ['cri-o://1.29.0', /enable_criu_support/],
  ['cri-o://1.37.0', /^container_level_enabled = "checkpoint_restore"$/],
])('%s names its setting', (told, setting) => {
  expect(runtimeOf(told)?.setting).toMatch(setting);
});

test.each([['docker://27.1.0'], ['containerd'], ['containerd://newest'], ['']])('%j is not known', (told) => {
  expect(runtimeOf(told)).toBeUndefined();
});

test.each([
  ['v1.24.17', 'no'],
  ['v1.29.4', 'setting'],
  ['v1.30.0', 'yes'],
  ['v1.36.3', 'yes'],
  ['unknown', undefined],
])('kubelet %s: %s', (told, ability) => {
  expect(kubeletCheckpoint(told)).toBe(ability);
});
