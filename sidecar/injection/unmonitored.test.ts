import { expect, test } from 'vitest';
import { podOf } from '../pods/fixtures.ts';
import { unmonitoredTeller, withoutSidecar } from './unmonitored.ts';

const sidecar = { containers: [{ name: 'main' }], initContainers: [{ name: 'godwit-monitor' }] };
const bare = podOf({ name: 'bare' });

test('pods without a sidecar are found, before they run as well', () => {
  const starting = podOf({ name: 'starting', status: { phase: 'Pending' } });
  expect(withoutSidecar([podOf({ name: 'good', spec: sidecar }), bare, starting])).toEqual([bare, starting]);
});

test('what has ended, is going, is no workload or declines is not asked for one', () => {
  const others = [
    podOf({ status: { phase: 'Succeeded' } }),
    podOf({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    podOf({ namespace: 'kube-system' }),
    podOf({ metadata: { labels: { 'godwit.dev/inject': 'disabled' } } }),
  ];
  expect(withoutSidecar(others)).toEqual([]);
});

test('of each pod is told once', async () => {
  const told: string[] = [];
  const tell = unmonitoredTeller({
    record: async (_, { name, namespace }, { reason }) => void told.push(`${namespace}/${name} ${reason}`),
  });
  const other = podOf({ name: 'other' });
  for (const pods of [[bare], [bare, other], [bare, other]]) await tell('edge-1', pods);
  expect(told).toEqual(['shop/bare NoSidecar', 'shop/other NoSidecar']);
  await tell('edge-1', []);
  await tell('edge-1', [podOf({ name: 'bare', metadata: { uid: 'uid-next' } })]);
  expect(told).toHaveLength(3);
});
