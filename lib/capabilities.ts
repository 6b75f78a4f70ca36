import { readFile } from 'node:fs/promises';

/** capabilities(7): raising limits, lowering the OOM score, looking at the limits of other users' processes. */
export const capSysResource = 24;

/** Whether this process holds the capability of that number. */
export async function hasCapability(bit: number): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n;
}
