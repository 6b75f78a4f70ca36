import { expect, test } from 'vitest';
import type { Exec } from '../../lib/exec.ts';
import { podAddressIn } from './forward.ts';

// What the rules do is seen by real pods in test/kubernetes/runtime.test.ts.

const printing =
  (stdout: string): Exec =>
  () =>
    Promise.resolve({ stdout, stderr: '' });
const device = (...addresses: object[]): string =>
  JSON.stringify([{ ifindex: 2, ifname: 'eth0', addr_info: addresses }]);

test.each([
  ['its address', device({ family: 'inet', local: '10.244.1.7', prefixlen: 24 }), '10.244.1.7'],
  ['the first of several', device({ local: '10.244.1.7' }, { local: '10.1.0.1' }), '10.244.1.7'],
  ['none where it has IPv6 alone', '[{}]', undefined],
  ['none without such a device', '[]', undefined],
])('a pod answers by %s', async (_, printed, address) => {
  expect(await podAddressIn('/run/netns/x', printing(printed))).toBe(address);
});

test('what is no address is refused', async () => {
  await expect(podAddressIn('/run/netns/x', printing(device({ local: '10.1.0.1; drop' })))).rejects.toThrow(/local/);
});
