import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { readIfPresent } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';
import { dumpJob, type EngineDeps, type PagesTo, type Place, pagesDescriptor, withPages } from './engine.ts';
import { jobState, killJob, outputFile, startJob, waitJob } from './job.ts';

/** Where `scripts/setup.sh` puts what it builds from migrator/image. */
export const imageProgram = join(import.meta.dirname, '../../.cache/bin/godwit-image');

/** A checkpoint that a kubelet makes, and that becomes an image in a registry. */
export interface Checkpoint {
  migration: string;
  /** `<namespace>/<pod>/<container>`. */
  container: string;
  /** `<host>/<repository>:<tag>`. */
  image: string;
  /** Where the memory's pages go; undefined: into the image. */
  pages: PagesTo;
  kubelet: {
    /** Address and port. */
    address: string;
    node: string;
    /** Files: what the kubelet's certificate is one of, or signed by, and a token. */
    trust: string;
    token: string;
  };
}

const resultSchema = z.object({ bytes: z.number(), checkpointMs: z.number(), pushMs: z.number() });
export type CheckpointResult = z.infer<typeof resultSchema>;

/** What a kubelet gives a checkpoint; its own default is 120 s. */
const kubeletMs = 110_000;
const stopFile = (place: Place): string => join(place.jobs, 'dump.stop');

/** Makes the image of a paused container, which stays paused. Attaches to one under way. @throws E_TRANSFER */
export async function checkpointToImage(
  place: Place,
  { kubelet, pages, ...what }: Checkpoint,
  deps: EngineDeps,
  options: { signal: AbortSignal },
): Promise<CheckpointResult> {
  const from = ['-kubelet', kubelet.address, '-node', kubelet.node, '-trust', kubelet.trust, '-token', kubelet.token];
  const to = ['-container', what.container, '-migration', what.migration, '-to', what.image];
  const limits = ['-timeout', `${kubeletMs}ms`, '-stop', stopFile(place)];
  const apart = pages ? ['-pages', String(pagesDescriptor)] : [];
  const job = dumpJob(place);
  const command = { file: imageProgram, args: ['checkpoint', ...from, ...to, ...limits, ...apart] };
  await startJob(job, pages ? withPages(command, pages, deps) : command);
  const code = await waitJob(job, options);
  const said = ((await readIfPresent(outputFile(job))) ?? '').trim();
  if (code !== 0)
    throw new GodwitError('E_TRANSFER', `checkpoint of ${what.container} failed: ${said.slice(-600) || code}`);
  return parseJson(resultSchema, said, 'what godwit-image said');
}

/**
 * Ends one under way: the push at once, the dump by itself, because a dump that is cut off can harm the workload. The kubelet ends it in
 * its time.
 */
export async function endCheckpoint(place: Place): Promise<void> {
  if (!(await jobState(dumpJob(place)))?.running) return;
  await writeFile(stopFile(place), '');
  await waitJob(dumpJob(place), { signal: AbortSignal.timeout(kubeletMs + 10_000) }).catch(() =>
    killJob(dumpJob(place)),
  );
}

const tasks = (exec: Exec, verb: 'pause' | 'resume', container: string) =>
  exec('ctr', ['--namespace', 'k8s.io', 'tasks', verb, container], { timeoutMs: 20_000 });

/** Freezes the container, and has containerd know it: what the freezer alone stops containerd can not checkpoint. */
export async function pause(container: string, exec: Exec): Promise<void> {
  await tasks(exec, 'pause', container).catch((error: Error) => {
    if (!error.message.includes('cannot pause a paused')) throw error;
  });
}

export async function resume(container: string, exec: Exec): Promise<void> {
  await tasks(exec, 'resume', container).catch((error: Error) => {
    if (!error.message.includes('cannot resume a running')) throw error;
  });
}

/** Removes an image from its registry; a repeat does nothing. @throws E_EXEC */
export async function removeImage(image: string, exec: Exec): Promise<void> {
  await exec(imageProgram, ['remove', '-from', image], { timeoutMs: 20_000 });
}
