import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'vitest';

test('the Go tests pass', { timeout: 300_000 }, async () => {
  await promisify(execFile)('go', ['test', './...'], { cwd: import.meta.dirname });
});
