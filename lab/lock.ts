import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Runs `work` while holding the machine-wide lock `name`. The lock is an abstract Unix socket: the kernel frees it when
 * its holder dies, however it dies, and nothing is left on a disk.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const release = await acquire(`\0godwit-lab/${name}`);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Who changes a lab holds its lock. */
export function withLabLock<T>(lab: string, work: () => Promise<T>): Promise<T> {
  return withLock(`lab:${lab}`, work);
}

async function acquire(path: string): Promise<() => Promise<void>> {
  for (;;) {
    const waiting = new Set<Socket>();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => undefined);
    });
    if (await listens(server, path))
      return () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          for (const socket of waiting) socket.destroy();
        });
    await released(path);
  }
}

function listens(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(path, () => resolve(true));
  });
}

/** A connection to the holder ends when the holder lets go or dies. */
function released(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}
