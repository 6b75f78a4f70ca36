import { stringify } from 'yaml';
import { z } from 'zod';
import { type Comparison, compare } from '../../decider/replay/compare.ts';
import type { Move } from '../../decider/replay/fleet.ts';
import { openTrace } from '../../decider/replay/read/open.ts';
import { createCollector } from '../../decider/replay/recording/collect.ts';
import { replayTrace, type Summary } from '../../decider/replay/summary.ts';
import type { Trace } from '../../decider/replay/trace.ts';
import { openPolicyBucket } from '../../lib/bus/policy-bucket.ts';
import { defaultPolicy, type Policy, parsePolicy } from '../../lib/contract/policy.ts';
import { time } from '../describe/text.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags, timeFlag } from '../flags.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Io, Verb } from '../io.ts';
import { createPrinter, type Kind } from '../output.ts';
import { positiveFlag, replayFlags, resolvePolicy, rowReader } from '../replay-flags.ts';
import { storedSamples } from '../telemetry.ts';

const dayMs = 86_400_000;
const shape = {
  file: z.string(),
  since: timeFlag.default(dayMs),
  recording: z.string().optional(),
  against: z.string().optional(),
  capacity: positiveFlag.default(100),
  skipBadRows: replayFlags.skipBadRows,
  output: replayFlags.output,
  config: z.string().optional(),
};
type Flags = z.output<z.ZodObject<typeof shape>>;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'policy test');
  const tested = await resolvePolicy(flags.file);
  const { trace, inForce } = await subject(flags, io);
  const hooks = { stopwatch: () => io.clock.monotonic() };
  const difference = compare(replayTrace(trace, inForce, hooks), replayTrace(trace, tested, hooks));
  if (flags.output === 'json') io.out(`${JSON.stringify(difference, null, 2)}\n`);
  else if (flags.output === 'yaml') io.out(stringify(difference));
  else show(difference, io);
  return exitCodes.done;
};

/** What is replayed, and under which policy first. */
async function subject(flags: Flags, io: Io): Promise<{ trace: Trace; inForce: Policy }> {
  const named = flags.against === undefined ? undefined : await resolvePolicy(flags.against);
  if (flags.recording !== undefined) {
    const reader = rowReader(flags.recording, flags.skipBadRows, io);
    const trace = await openTrace(reader, flags.capacity);
    reader.tell();
    return { trace, inForce: named ?? defaultPolicy() };
  }
  return withHub(flags.config, io, async (hub) => ({
    trace: await recent(hub, io, flags.since),
    inForce: named ?? (await policyInForce(hub)),
  }));
}

async function recent(hub: Hub, io: Io, sinceMs: number): Promise<Trace> {
  const collector = createCollector('live');
  for (const { value } of await (await hub.nodes()).list()) collector.node(value);
  for await (const sample of storedSamples(hub, io, io.clock.now() - sinceMs)) collector.sample(sample);
  return collector.trace();
}

async function policyInForce(hub: Hub): Promise<Policy> {
  const text = await (await openPolicyBucket(hub.connection)).read('last-good');
  const parsed = text && parsePolicy(text.text);
  return parsed?.ok ? parsed.policy : defaultPolicy();
}

interface Row {
  what: string;
  inForce: string;
  tested: string;
}

const rowKind: Kind<Row> = {
  kind: 'figure',
  name: ({ what }) => what,
  columns: [
    { header: 'FIGURE', value: ({ what }) => what },
    { header: 'IN FORCE', value: ({ inForce }) => inForce },
    { header: 'TESTED', value: ({ tested }) => tested },
  ],
};

const figures: [string, (summary: Summary) => string][] = [
  ['policy', ({ policy }) => policy],
  ['overload time', ({ otf }) => `${(otf * 100).toFixed(3)} %`],
  ['unmet demand', ({ unmet }) => `${(unmet * 100).toFixed(3)} %`],
  ['offloads', ({ offloads }) => String(offloads)],
  ['returns', ({ returns }) => String(returns)],
  ['GB moved', ({ gbMoved }) => gbMoved.toFixed(3)],
  ['hours away', ({ hoursAway }) => hoursAway.toFixed(2)],
];

function show({ inForce, tested, onlyInForce, onlyTested }: Comparison, io: Io): void {
  const hours = (inForce.steps * inForce.intervalMs) / 3_600_000;
  io.err(`${inForce.nodes} nodes, ${inForce.workloads} workloads, ${hours.toFixed(1)} h of samples\n`);
  const rows = figures.map(([what, of]) => ({ what, inForce: of(inForce), tested: of(tested) }));
  createPrinter<Row>(io, { output: 'table', headers: true })(rowKind, rows);
  list(io, 'No longer', onlyInForce);
  list(io, 'New', onlyTested);
}

const shownMoves = 20;

function list(io: Io, title: string, moves: readonly Move[]): void {
  if (moves.length === 0) return;
  io.out(`\n${title}:\n`);
  for (const { decidedAt, workload, source, target } of moves.slice(0, shownMoves))
    io.out(`  ${time(decidedAt)}  ${workload}: ${source} → ${target}\n`);
  if (moves.length > shownMoves) io.out(`  and ${moves.length - shownMoves} more\n`);
}
