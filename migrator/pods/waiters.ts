import { readFile, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type PodContainer, podContainerOf } from '../../lib/cri.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';
import type { Journals } from '../agent/journal.ts';
import type { Paths } from '../paths.ts';
import { judge, type RuntimeAnswer } from './judge.ts';

const questionSchema = z.object({ container: z.string(), bundle: z.string() });
const configSchema = z.looseObject({ annotations: z.record(z.string(), z.string()).default({}) });

/** A kubelet gives a container two minutes to start. What waits for longer than this is refused, and tried again with a fresh time. */
const longestWaitMs = 30_000;

/** A container that waits, inside its `create`, for the copy that comes with a migration. */
export interface Waiter {
  container: string;
  bundle: string;
  pod: PodContainer;
  /** The migration has begun: it waits for as long as the kubelet lets it. */
  adopt(): void;
  answer(answer: RuntimeAnswer): void;
}

export interface Waiters {
  /** Migrations for which a container waits. */
  migrations(): string[];
  of(migration: string): Waiter | undefined;
  /** Rejects with the signal's reason when none has come until then. */
  until(migration: string, signal: AbortSignal): Promise<Waiter>;
  refuse(migration: string, reason: string): void;
  close(): void;
}

export interface WaitersDeps {
  paths: Paths;
  journals: Journals;
  boot: string;
  log: Logger;
  /** Somebody has begun to wait, or has ceased. */
  onChange: () => void;
}

/** Answers godwit-runtime on `<run>/runtime.sock`: one line of JSON each way. */
export async function serveRuntime(deps: WaitersDeps): Promise<Waiters> {
  const waiting = new Map<string, Waiter>();
  const changes = new EventTarget();
  const changed = (): void => {
    changes.dispatchEvent(new Event('change'));
    deps.onChange();
  };
  const socketPath = join(deps.paths.run, 'runtime.sock');
  await rm(socketPath, { force: true });
  const server = createServer((socket) => {
    const failed = (error: unknown): void => {
      deps.log.warn({ reason: messageOf(error) }, 'a question of godwit-runtime was not understood');
      socket.destroy();
    };
    socket.on('error', () => undefined);
    createInterface({ input: socket }).once('line', (line) => {
      hear(line, socket, { ...deps, waiting, changed }).catch(failed);
    });
  });
  // only root may connect
  const mask = process.umask(0o177);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath, resolve));
  process.umask(mask);
  return {
    migrations: () => [...waiting.keys()].sort(),
    of: (migration) => waiting.get(migration),
    until: (migration, signal) => untilThere(() => waiting.get(migration), changes, signal),
    refuse: (migration, reason) => waiting.get(migration)?.answer({ do: 'refuse', reason }),
    close: () => void server.close(),
  };
}

async function hear(
  line: string,
  socket: Socket,
  { journals, boot, log, waiting, changed }: WaitersDeps & { waiting: Map<string, Waiter>; changed: () => void },
): Promise<void> {
  const { container, bundle } = parseJson(questionSchema, line, 'question of godwit-runtime');
  const config = parseJson(configSchema, await readFile(join(bundle, 'config.json'), 'utf8'), `${bundle}/config.json`);
  const pod = podContainerOf(config.annotations);
  const answer = (given: RuntimeAnswer): void => {
    log.info({ container, answer: given }, 'godwit-runtime was answered');
    socket.end(`${JSON.stringify(given)}\n`);
  };
  if (!pod?.migration) return answer({ do: 'create' });
  const { migration } = pod;
  const journal = journals.get(migration);
  const judged = judge(journal, container, boot);
  if (judged) return answer(judged);
  const tooLong = setTimeout(
    () => waiter.answer({ do: 'refuse', reason: `nothing has come of migration ${migration} yet` }),
    longestWaitMs,
  );
  const leave = (): void => {
    clearTimeout(tooLong);
    if (waiting.get(migration) !== waiter) return;
    waiting.delete(migration);
    changed();
  };
  const waiter: Waiter = {
    ...{ container, bundle, pod },
    adopt: () => clearTimeout(tooLong),
    answer: (given) => {
      answer(given);
      leave();
    },
  };
  socket.once('close', leave);
  if (socket.destroyed) return leave();
  if (journal) waiter.adopt();
  waiting.set(migration, waiter);
  log.info({ migration, container, pod: pod.pod }, 'a container waits for its copy');
  changed();
}

async function untilThere<T>(look: () => T | undefined, changes: EventTarget, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const found = look();
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        changes.removeEventListener('change', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      changes.addEventListener('change', done);
      signal.addEventListener('abort', done);
    });
  }
}
