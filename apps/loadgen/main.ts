// Sends HTTP requests and says what became of them: one JSON line a request (--log), a JSON summary on stdout.
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { ZodError, z } from 'zod';
import { loadOptions } from './config.ts';
import { type LoadOptions, runLoad } from './run.ts';

const exit = { answered: 0, unanswered: 1, usage: 2 };

const command = new Command('loadgen')
  .description(
    'Send HTTP requests in a closed loop (--clients) or at given rates (--profile). Exits 1 if none was answered.',
  )
  .requiredOption('--url <url>', 'http://host:port/path; {n} and {client} are filled in')
  .option('--method <method>', 'GET by default')
  .option('--body <text>', '{n} and {client} are filled in')
  .option('--clients <n>', 'closed loop: clients that wait for each answer (default: 1)')
  .option('--profile <steps>', 'open loop: second:rate,… as in 0:5,10:80,40:5')
  .option('--max-in-flight <n>', 'open loop: requests beyond fail at once (default: 1000)')
  .option('--duration <s>', 'default: 10')
  .option('--max-requests <n>', 'default: 1000000')
  .option('--connect-timeout <ms>', 'default: 250')
  .option('--timeout <ms>', 'for the answer, once connected (default: 5000)')
  .option('--retry-for <ms>', 'refused, reset and unreachable (default: 10000)')
  .option('--backoff <ms>', 'between two attempts (default: 20)')
  .option('--log <file>', 'one JSON line a request');

function parse(): LoadOptions {
  try {
    return loadOptions(command.parse().opts());
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    return command.error(z.prettifyError(error), { exitCode: exit.usage });
  }
}

const options = parse();
const { log: file } = command.opts<{ log?: string }>();
const log = file === undefined ? undefined : createWriteStream(file);
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());

const summary = await runLoad({
  ...options,
  onOutcome: (outcome) => log?.write(`${JSON.stringify(outcome)}\n`),
  signal: interrupt.signal,
});
if (log) await finished(log.end());
console.log(JSON.stringify(summary));
process.exitCode = summary.answered > 0 ? exit.answered : exit.unanswered;
