import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FleetNode } from './fleet.ts';

/** One line that a workload has printed: nothing but a running copy can print it. */
export interface Beat {
  node: string;
  /** Drawn at the start of the process: another value, another process. */
  life: string;
  count: number;
  at: number;
}

const everyMs = 20;
const program = `
const life = Math.random().toString(36).slice(2, 10);
let count = 0;
setInterval(() => process.stdout.write('beat ' + life + ' ' + ++count + ' ' + Date.now() + '\\n'), ${everyMs}).unref();
`;

/** Environment under which any Node workload prints a numbered line every 20 ms, from its memory. */
export const beating = {
  NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(program).toString('base64')}`,
};

export interface BeatWatch {
  beats: Beat[];
  /** Life signs of the workload since then, by the nodes' clocks. */
  since(at: number): Beat[];
  stop(): Promise<void>;
}

/**
 * Reads what a workload prints on every node while it prints it; a log that is removed meanwhile is read to its end. Every copy
 * continues the count from the same memory, so that two copies which ever ran, at once or not, show as a count that comes twice.
 */
export function watchBeats(
  nodes: readonly FleetNode[],
  workload: string,
  logsIn: (root: string) => Promise<string[]> = async (root) => [
    join(root, 'var/lib/godwit/workloads', workload, 'log'),
  ],
): BeatWatch {
  const beats: Beat[] = [];
  const stopping = new AbortController();
  const readers = nodes.map(({ name, root }) =>
    createReader(
      () => logsIn(root),
      (line) => {
        const [, life = '', count, at] = /(?:^|stdout F )beat (\S+) (\d+) (\d+)$/.exec(line) ?? [];
        if (count !== undefined) beats.push({ node: name, life, count: Number(count), at: Number(at) });
      },
    ),
  );
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await Promise.all(readers.map((reader) => reader.read()));
      await delay(25);
    }
    await Promise.all(readers.map((reader) => reader.close()));
  })();
  return {
    beats,
    since: (at) => beats.filter((beat) => beat.at >= at),
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}

interface LogReader {
  read(): Promise<void>;
  close(): Promise<void>;
}

/** Follows paths: each file that ever stands there is read from its beginning to its end. */
function createReader(paths: () => Promise<string[]>, take: (line: string) => void): LogReader {
  const files = new Map<string, { handle: FileHandle; position: number; rest: string }>();
  const discover = async (path: string): Promise<void> => {
    const handle = await open(path).catch(() => undefined);
    if (!handle) return;
    const { dev, ino } = await handle.stat();
    const key = `${dev}:${ino}`;
    if (files.has(key)) await handle.close();
    else files.set(key, { handle, position: 0, rest: '' });
  };
  const chunk = Buffer.alloc(64 << 10);
  const readOn = async (file: { handle: FileHandle; position: number; rest: string }): Promise<void> => {
    for (;;) {
      const { bytesRead } = await file.handle.read(chunk, 0, chunk.length, file.position);
      if (bytesRead === 0) return;
      file.position += bytesRead;
      const lines = (file.rest + chunk.toString('latin1', 0, bytesRead)).split('\n');
      file.rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    }
  };
  return {
    read: async () => {
      for (const path of await paths()) await discover(path);
      for (const file of files.values()) await readOn(file);
    },
    close: async () => {
      for (const { handle } of files.values()) await handle.close();
    },
  };
}

/** containerd gives a restored container the log that the checkpoint holds: lines of the same millisecond, which nobody printed twice. */
export function withoutCopies(beats: readonly Beat[]): Beat[] {
  return [...new Map(beats.map((beat) => [`${beat.life} ${beat.count} ${beat.at}`, beat])).values()];
}

/** Life signs that came twice: two copies have gone on from the same memory. A sentence each. */
export function repeatsIn(beats: readonly Beat[]): string[] {
  const faults: string[] = [];
  const seen = new Map<string, Beat>();
  for (const beat of beats) {
    const key = `${beat.life} ${beat.count}`;
    const twin = seen.get(key);
    if (twin) faults.push(`beat ${key} came from ${twin.node} at ${twin.at} and from ${beat.node} at ${beat.at}`);
    seen.set(key, beat);
  }
  return faults.slice(0, 5);
}

/** What the life signs say against "never two live copies" of a workload of one process, a sentence each. */
export function twinsIn(beats: readonly Beat[]): string[] {
  const faults = repeatsIn(beats);
  const lives = new Map<string, { first: number; last: number; node: string }>();
  for (const beat of beats) {
    const { first, last } = lives.get(beat.life) ?? { first: beat.at, last: beat.at };
    lives.set(beat.life, { first: Math.min(first, beat.at), last: Math.max(last, beat.at), node: beat.node });
  }
  const inOrder = [...lives].sort(([, a], [, b]) => a.first - b.first);
  for (const [index, [life, { first, node }]] of inOrder.entries()) {
    const before = inOrder[index - 1];
    if (before && before[1].last > first)
      faults.push(`process ${life} lived on ${node} before ${before[0]} on ${before[1].node} had ended`);
  }
  return faults.slice(0, 5);
}
