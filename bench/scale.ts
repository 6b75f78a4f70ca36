import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { natsServerBinary } from '../test/helpers/nats-server.ts';
import { deciderFlags } from './decider/setup.ts';
import { type RunOptions, run } from './scale/run.ts';
import { describeMachine, firstLine } from './shared/machine.ts';

/**
 * Fleets of simulated monitors and migrators, real samples through a real nats-server into real deciders of which two are killed: what
 * it costs, how fast it is, and whether a command was repeated or lost. Runs named by `--runs` replace theirs in the results.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    'large-seconds': { type: 'string', default: '240' },
    'growth-seconds': { type: 'string', default: '60' },
    runs: { type: 'string' },
    out: { type: 'string', default: 'bench/results/scale.json' },
  },
});

const runOf = (
  nodes: number,
  containers: number,
  intervalMs: number,
  seconds: string,
  restarts: boolean,
): RunOptions => ({
  fleet: { nodes, clouds: Math.ceil(nodes / 100), containers },
  intervalMs,
  seconds: Number(seconds),
  restarts,
});
const runs: Record<string, RunOptions> = {
  '1000x30@10s': runOf(1000, 30, 10_000, values['growth-seconds'], false),
  '2500x30@10s': runOf(2500, 30, 10_000, values['growth-seconds'], false),
  '5000x10@10s': runOf(5000, 10, 10_000, values['growth-seconds'], false),
  '5000x30@10s': runOf(5000, 30, 10_000, values.seconds, true),
  '5000x30@1s': runOf(5000, 30, 1000, values.seconds, true),
  '20000x30@10s': runOf(20_000, 30, 10_000, values['large-seconds'], true),
};
const wanted = values.runs?.split(',') ?? Object.keys(runs);
const unknown = wanted.filter((name) => !(name in runs));
if (unknown.length > 0) {
  console.error(`error: there is no run ${unknown.join(', ')}; there are ${Object.keys(runs).join(', ')}`);
  process.exit(2);
}

const earlier = await readFile(values.out, 'utf8').catch(() => '{}');
const results = JSON.parse(earlier) as Record<string, object>;
const natsServer = firstLine(await natsServerBinary(), ['--version']);
await mkdir(dirname(values.out), { recursive: true });
for (const [name, options] of Object.entries(runs)) {
  if (!wanted.includes(name)) continue;
  console.error(`  ${name}: ${options.seconds} s`);
  const machine = describeMachine({ natsServer });
  const result = await run(options);
  results[name] = { machine, deciderFlags, ...result };
  await writeFile(values.out, `${JSON.stringify(results, null, 2)}\n`);
  console.log(JSON.stringify({ [name]: result }, null, 2));
  if (!result.audit.clean) {
    console.error(`error: ${name}: commands were repeated or lost, see audit`);
    process.exitCode = 1;
  }
}
