import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

const pod = { GODWIT_POD_UID: 'u-1', GODWIT_POD_NAMESPACE: 'plant', GODWIT_POD_NAME: 'reducer' };

test('a sidecar knows its pod by its environment, and a workload that moved keeps its name', () => {
  const common = { uid: 'u-1', folder: '/run/godwit/sidecar', cgroup: '/c' };
  const args = ['--cgroup', '/c'];
  expect(readConfig(args, { ...pod, GODWIT_WORKLOAD: '' })).toEqual({ ...common, workload: 'plant.reducer' });
  const moved = readConfig(args, { ...pod, GODWIT_WORKLOAD: 'plant.reducer-1' });
  expect(moved).toEqual({ ...common, workload: 'plant.reducer-1' });
});

test('all that is wrong is named', () => {
  const code = 'E_CONFIG';
  const reading = () => readConfig([], { GODWIT_POD_UID: 'a/b' });
  expect(reading).toThrow(expect.objectContaining({ code, message: expect.stringMatching(/UID.*NAMESPACE.*NAME/) }));
  expect(() => readConfig(['--konfig'], pod)).toThrow(expect.objectContaining({ code }));
});
