import { z } from 'zod';
import type { Exec } from '../../lib/exec.ts';
import { parseJson } from '../../lib/parse.ts';

/** What CRI calls a sandbox's interface. */
const device = 'eth0';

const addressesSchema = z.array(z.object({ addr_info: z.array(z.object({ local: z.ipv4() })).default([]) }));

/** IPv4 address of the pod whose network namespace that is; undefined where it has none. @throws E_EXEC */
export async function podAddressIn(netns: string, exec: Exec): Promise<string | undefined> {
  const argv = ['ip', '-json', '-4', 'address', 'show', 'dev', device, 'scope', 'global'];
  const { stdout } = await exec('nsenter', [`--net=${netns}`, ...argv]);
  return parseJson(addressesSchema, stdout, 'ip address').flatMap(({ addr_info }) => addr_info)[0]?.local;
}

/** Whether this node has what it takes to send a stopped pod's clients on. */
export const canForward = (exec: Exec): Promise<boolean> =>
  exec('nft', ['--version']).then(
    () => true,
    () => false,
  );

const nobody = 'table ip godwit\ndelete table ip godwit\n';

const forwardTo = (address: string): string => `${nobody}table ip godwit {
  chain there { type nat hook prerouting priority dstnat; iifname ${device} dnat to ${address}; }
  chain back { type nat hook postrouting priority srcnat; ct status dnat masquerade; }
}
`;

// answers come back the same way; the node behind the only interface is not to be told of a shorter one
const forwarding = `cd /proc/sys/net/ipv4
echo 0 >conf/all/send_redirects; echo 0 >conf/${device}/send_redirects; echo 1 >ip_forward
exec nft -f -`;

/**
 * Whoever still turns to the pod of that network namespace is answered by the one at `address`: endpoints are known to all nodes only
 * seconds after the copy runs. Ends with the namespace. A repeat changes nothing. @throws E_EXEC
 */
export async function forwardFrom(netns: string, address: string, exec: Exec): Promise<void> {
  await exec('nsenter', [`--net=${netns}`, 'sh', '-euc', forwarding], { input: forwardTo(address) });
}

/** Nobody new is sent on; whoever was, still is. @throws E_EXEC */
export async function forwardNoMore(netns: string, exec: Exec): Promise<void> {
  await exec('nsenter', [`--net=${netns}`, 'nft', 'flush', 'chain', 'ip', 'godwit', 'there']);
}

/** The pod answers by itself again. @throws E_EXEC */
export async function endForward(netns: string, exec: Exec): Promise<void> {
  await exec('nsenter', [`--net=${netns}`, 'nft', '-f', '-'], { input: nobody });
}
