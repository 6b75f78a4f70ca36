import { writeFile } from 'node:fs/promises';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import type { NodeConfig } from '../../lib/node-config.ts';
import { vethName } from './netns.ts';

/** Moves a workload's own address: who takes it receives its traffic, who drops it no longer does. Both are idempotent. */
export interface AddressMover {
  /** True when a node that has dropped an address keeps what still comes for it until another has taken it, and passes it on. */
  findsTaker: boolean;
  take(workload: string, address: string): Promise<void>;
  drop(workload: string, address: string): Promise<void>;
}

export function createAddressMover(config: NodeConfig['network'], exec: Exec): AddressMover {
  const route = (workload: string, address: string): string => `${address}/32 dev ${vethName(workload)}`;
  const tell = config.mode === 'neighbour' ? announce : callCommand;
  return {
    findsTaker: config.mode === 'neighbour',
    take: async (workload, address) => {
      await exec('ip', `route replace ${route(workload, address)}`.split(' '));
      await tell(config, 'take', address, exec);
    },
    drop: async (workload, address) => {
      // a neighbour that had the address before must not be taken for its taker
      const lines = [`neigh flush to ${address} dev ${config.device}`, `route del ${route(workload, address)}`, ''];
      await exec('ip', ['-batch', '-'], { input: lines.join('\n') }).catch((error: unknown) => {
        if (!String(error).match(/No such process|Cannot find device/)) throw error;
      });
      await tell(config, 'drop', address, exec);
    },
  };
}

type Tell = (config: NodeConfig['network'], verb: 'take' | 'drop', address: string, exec: Exec) => Promise<void>;

/** Gratuitous ARP (RFC 5944 §4.6): neighbours that know the address learn at once that this node answers for it. */
const announce: Tell = async (config, verb, address, exec) => {
  if (verb === 'take')
    await exec('arping', ['-U', '-c', '1', '-w', '1', '-I', config.device, '-s', address, address]).catch(
      ignoreNoAnswer,
    );
};

const callCommand: Tell = async (config, verb, address, exec) => {
  if (!config.command) throw new GodwitError('E_CONFIG', 'network.command is missing though network.mode is "command"');
  await exec(config.command, [verb, address, config.device]);
};

/** arping counts replies, and an unsolicited announcement gets none. */
function ignoreNoAnswer(error: unknown): void {
  if (!String(error).includes('arping')) throw error;
}

/** Kernel settings under which a node answers for addresses that are not its own. */
export async function prepareNode(device: string): Promise<void> {
  const settings: Record<string, string> = {
    'net/ipv4/ip_forward': '1',
    'net/ipv4/ip_nonlocal_bind': '1',
    [`net/ipv4/conf/${device}/proxy_arp`]: '1',
    // by default a proxied answer waits up to 0.8 s
    [`net/ipv4/neigh/${device}/proxy_delay`]: '0',
  };
  for (const [name, value] of Object.entries(settings)) await writeFile(`/proc/sys/${name}`, value);
}
