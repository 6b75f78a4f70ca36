import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, writeFile } from 'node:fs/promises';
import { createServer, connect as dial } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureRoot } from '../../lab/root.ts';
import { labSettings } from '../../lab/settings.ts';

/** $GODWIT_NATS_SERVER, or the one of the lab's nodes, which runs on this machine as well. */
export async function natsServerBinary(): Promise<string> {
  const path = process.env.GODWIT_NATS_SERVER ?? join(await ensureRoot(labSettings()), 'usr/sbin/nats-server');
  await access(path);
  return path;
}

export interface TestServer {
  process: ChildProcess;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a real server with the given configuration in `folder` and waits until it listens on `port`. */
export async function startNatsServer(folder: string, config: object, port: number): Promise<TestServer> {
  const file = join(folder, `nats-${port}.json`);
  await writeFile(file, JSON.stringify(config));
  const process = spawn(await natsServerBinary(), ['-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const stop = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    process.kill(signal);
    await once(process, 'exit');
  };
  const end = Date.now() + 10_000;
  while (!(await isOpen(port))) {
    if (process.exitCode !== null || Date.now() > end) {
      await stop();
      throw new Error(`nats-server with ${file} does not listen on ${port}`);
    }
    await delay(20);
  }
  return { process, stop };
}

/** A TCP port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
