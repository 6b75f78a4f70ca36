import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export const reportFolder = join(import.meta.dirname, '..', '.vitest', 'report');

/** What we use of vitest's JSON report. */
const reportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numFailedTestSuites: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
});

const skipSchema = z.object({ test: z.string(), reason: z.string() });
export type Skip = z.infer<typeof skipSchema>;

export interface Summary {
  /** Each skip with its reason, then `N passed, N failed, N skipped`. */
  text: string;
  ok: boolean;
}

/** Sums up the reports of a run. No tests at all, or a file that could not even be loaded, is a failure. */
export async function summarize(folder: string): Promise<Summary> {
  const names = await readdir(folder).catch((): string[] => []);
  const skips: Skip[] = [];
  const sum = { passed: 0, failed: 0, skipped: 0 };
  let whole = true;
  for (const name of names) {
    const content: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'));
    if (name.endsWith('.skips.json')) skips.push(...z.array(skipSchema).parse(content));
    else {
      const report = reportSchema.parse(content);
      sum.passed += report.numPassedTests;
      sum.failed += report.numFailedTests;
      sum.skipped += report.numPendingTests + report.numTodoTests;
      whole &&= report.success;
    }
  }
  const ok = whole && sum.failed === 0 && sum.passed > 0;
  const lines = [
    ...skips.map(({ test, reason }) => `skipped: ${test}: ${reason}`),
    ...(ok || sum.failed > 0 ? [] : ['failed: no test ran to its end, or a file could not be loaded; see above']),
    `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`,
  ];
  return { text: lines.join('\n'), ok };
}
