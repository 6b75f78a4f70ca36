import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Reporter, startVitest, type TestCase } from 'vitest/node';
import { reportFolder, type Skip, summarize } from './report.ts';

// Runs the test projects one after the other, because the later ones start whole machines, and reports over all of them.
const { positionals: filters, values } = parseArgs({
  allowPositionals: true,
  options: {
    project: { type: 'string', multiple: true, default: ['unit', 'integration', 'e2e', 'kubernetes', 'load'] },
  },
});

await rm(reportFolder, { recursive: true, force: true });
await mkdir(reportFolder, { recursive: true });
for (const project of values.project) await run(project);
const { text, ok } = await summarize(reportFolder);
console.log(text);
process.exit(ok ? 0 : 1);

async function run(project: string): Promise<void> {
  const skips: Skip[] = [];
  const outputFile = join(reportFolder, `${project}.json`);
  const vitest = await startVitest('test', filters, {
    project,
    watch: false,
    passWithNoTests: true,
    reporters: ['default', ['json', { outputFile }], skipCollector(skips)],
  });
  await vitest.close();
  await writeFile(join(reportFolder, `${project}.skips.json`), JSON.stringify(skips));
}

/** vitest's own JSON has no place for the reason of a skip. */
function skipCollector(skips: Skip[]): Reporter {
  return {
    onTestCaseResult: (test: TestCase) => {
      const result = test.result();
      if (result.state === 'skipped') skips.push({ test: test.fullName, reason: result.note ?? 'no reason given' });
    },
  };
}
