import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { pagesProgram } from '../../migrator/engine/pages-program.ts';

const mebibyte = 2 ** 20;
const bytesHeld = 64 * mebibyte;

/** A process that holds 64 MiB, runs `script` over them (`held`), and then waits. */
async function holding(script: string): Promise<string> {
  const program = `const held = Buffer.alloc(${bytesHeld}, 1); ${script}; console.log('ready'); setInterval(() => {}, 1e9)`;
  const child: ChildProcess = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout) await once(child.stdout, 'data');
  return String(child.pid);
}

const everyPage = (ms: number) =>
  `let n = 1; setInterval(() => { n++; for (let at = 0; at < held.length; at += 4096) held[at] = n & 255; }, ${ms})`;

const dirty = async (interval: string, ...pids: string[]): Promise<number> =>
  Number((await execa(pagesProgram, ['dirty', '-interval', interval, ...pids])).stdout);

test('a process that rests writes little of what it holds', async () => {
  expect(await dirty('1s', await holding(''))).toBeLessThan(bytesHeld / 16);
});

test('each page counts once, however often it is written between the looks', async () => {
  const rate = await dirty('1s', await holding(everyPage(5)));
  expect(rate).toBeGreaterThan(bytesHeld / 4);
  expect(rate).toBeLessThan(3 * bytesHeld);
});

test('what several processes write is added up', async () => {
  const [busy, other] = [await holding(everyPage(5)), await holding(everyPage(5))];
  const [alone, both] = [await dirty('1s', busy), await dirty('1s', busy, other)];
  expect(both).toBeGreaterThan(1.3 * alone);
});

test('half of the pages written makes half of the rate', async () => {
  const half = everyPage(5).replace('held.length', 'held.length / 2');
  const [whole, some] = [await dirty('1s', await holding(everyPage(5))), await dirty('1s', await holding(half))];
  expect(some / whole).toBeGreaterThan(0.25);
  expect(some / whole).toBeLessThan(0.85);
});

test.each([
  [['dirty'], 'of which processes?', 2],
  [['dirty', '4194305'], 'no page could be read', 1],
])('%j is refused', async (args, reason, exitCode) => {
  const result = await execa(pagesProgram, args, { reject: false });
  expect(result).toMatchObject({ exitCode, stderr: expect.stringContaining(reason) });
});
