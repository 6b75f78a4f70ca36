import { closeSync, openSync, readSync } from 'node:fs';

/** A kernel file that stays open; each `read` asks the kernel for its content anew. */
export interface HeldFile {
  /** Throws with code ENODEV once a cgroup's file has been removed. */
  read(): string;
  close(): void;
}

/** Opens kernel files; all that one opener opened share a buffer, so a file is read up to `bufferBytes`. */
export interface FileOpener {
  hold(path: string): HeldFile;
  /** Undefined when there is no such file, or the kernel does not serve it (PSI switched off). */
  holdIfServed(path: string): HeldFile | undefined;
  readOnce(path: string): string;
}

// Synchronous on purpose: a read of a kernel file never waits for a device, and costs 7 µs against 236 µs through the thread pool.
export function createFileOpener(bufferBytes = 16_384): FileOpener {
  const buffer = Buffer.allocUnsafeSlow(bufferBytes);
  const hold = (path: string): HeldFile => {
    const fd = openSync(path, 'r');
    return {
      read: () => buffer.toString('latin1', 0, readSync(fd, buffer, 0, bufferBytes, 0)),
      close: () => closeSync(fd),
    };
  };
  const readOnce = (path: string): string => {
    const file = hold(path);
    try {
      return file.read();
    } finally {
      file.close();
    }
  };
  const holdIfServed = (path: string): HeldFile | undefined => {
    try {
      readOnce(path);
      return hold(path);
    } catch {
      return undefined;
    }
  };
  return { hold, holdIfServed, readOnce };
}

/** The file, its cgroup or its device is gone: what it described has ended. */
export function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENODEV';
}
