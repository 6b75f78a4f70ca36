import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { logPipe } from './log.ts';

async function untilLogged(file: string, text: string): Promise<void> {
  const end = performance.now() + 10_000;
  while ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    if (performance.now() > end) throw new Error(`${file} never held ${text}`);
    await delay(10);
  }
}

test('a line stands in the log while its writer lives on, and the reader ends with the writer', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'godwit-log-'));
  const file = join(dir, "it's a log");
  const writer = spawn('/bin/sh', ['-c', `cat ${logPipe(file)}`], { stdio: ['pipe', 'inherit', 'inherit'] });
  try {
    writer.stdin.write('one\n');
    await untilLogged(file, 'one\n');
    writer.stdin.end('two\n');
    expect(await once(writer, 'exit')).toEqual([0, null]);
    expect(await readFile(file, 'utf8')).toBe('one\ntwo\n');
  } finally {
    writer.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});
