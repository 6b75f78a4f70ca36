import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Job, jobState, killJob, outputFile, startJob, waitFor, waitJob } from './job.ts';

let job: Job;
const soon = () => ({ signal: AbortSignal.timeout(10_000) });

beforeEach(async () => {
  job = { folder: await mkdtemp(join(tmpdir(), 'godwit-job-')), name: 'work' };
});
afterEach(async () => {
  await killJob(job);
  await rm(job.folder, { recursive: true, force: true });
});

test('the exit code and the output outlive the program', async () => {
  await startJob(job, { file: '/bin/sh', args: ['-c', 'echo said; exit 3'] });
  expect(await waitJob(job, soon())).toBe(3);
  expect(await jobState({ ...job })).toEqual({ running: false, code: 3 });
  expect(await readFile(outputFile(job), 'utf8')).toBe('said\n');
});

test('starting again attaches to the first', async () => {
  const marks = join(job.folder, 'marks');
  const command = { file: '/bin/sh', args: ['-c', `echo x >> '${marks}'`] };
  await startJob(job, command);
  await waitJob(job, soon());
  await startJob(job, command);
  expect(await waitJob(job, soon())).toBe(0);
  expect(await readFile(marks, 'utf8')).toBe('x\n');
});

test('a job that was killed has a code of its own', async () => {
  await startJob(job, { file: '/bin/sleep', args: ['60'] });
  expect(await jobState(job)).toEqual({ running: true });
  await killJob(job);
  expect(await waitJob(job, soon())).toBe(137);
});

test('waiting ends with the signal, the job does not', async () => {
  await startJob(job, { file: '/bin/sleep', args: ['60'] });
  await expect(waitJob(job, { signal: AbortSignal.timeout(30) })).rejects.toThrow(/timeout|aborted/i);
  expect(await jobState(job)).toEqual({ running: true });
});

test.each(['EMFILE', 'ENOSPC'])('what is waited for is seen without a watch, when the kernel says %s', async (code) => {
  const spent = (): never => {
    throw Object.assign(new Error(code), { code });
  };
  await startJob(job, { file: '/bin/sh', args: ['-c', 'exit 3'] });
  const ended = async () => (await jobState(job))?.code;
  expect(await waitFor(job.folder, soon().signal, ended, spent)).toBe(3);
});

test('what was never started is no job', async () => {
  expect(await jobState(job)).toBeUndefined();
});
