import { reportFolder, summarize } from './report.ts';

// Prints the result of the last test run once more.
const { text, ok } = await summarize(reportFolder);
console.log(text);
process.exitCode = ok ? 0 : 1;
