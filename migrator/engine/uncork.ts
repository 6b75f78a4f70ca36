import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Exec } from '../../lib/exec.ts';

const script = join(import.meta.dirname, 'uncork.pl');

/**
 * CRIU corks its connection to the page server and never uncorks it, so that the last bytes of every dump wait in the source's kernel
 * for the 200 ms after which it sends a part of a segment all the same; all of that within the freeze. As soon as the connection
 * stands the cork is taken off, and kept off until the connection ends. Where that fails the dump is late and nothing else.
 */
export async function uncorkPages(
  pages: { address: string; port: number },
  tools: { clock: Clock; exec: Exec },
  options: { signal: AbortSignal },
): Promise<boolean> {
  const remote = remoteKey(pages.address, pages.port);
  while (!options.signal.aborted) {
    const socket = socketTo(await readFile('/proc/net/tcp', 'utf8'), remote);
    const owner = socket && (await ownerOf(socket));
    if (owner) {
      await tools.exec('perl', [script, String(owner.pid), owner.fd], { timeoutMs: 600_000, signal: options.signal });
      return true;
    }
    await tools.clock.sleep(3);
  }
  return false;
}

/** As /proc/net/tcp writes it: the address's bytes in reverse, in hexadecimal. */
export function remoteKey(address: string, port: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  const bytes = address.split('.').map((part) => hex(Number(part), 2));
  return `${bytes.reverse().join('')}:${hex(port, 4)}`;
}

/** `socket:[inode]` of the established connection to `remote`. */
export function socketTo(table: string, remote: string): string | undefined {
  const established = '01';
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[2] === remote && fields[3] === established && fields[9] !== '0') return `socket:[${fields[9]}]`;
  }
  return undefined;
}

async function ownerOf(socket: string): Promise<{ pid: number; fd: string } | undefined> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (!name.startsWith('criu')) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => []))
      if ((await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')) === socket) return { pid: Number(pid), fd };
  }
  return undefined;
}
