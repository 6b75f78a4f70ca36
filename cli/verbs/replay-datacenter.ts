import { z } from 'zod';
import { parseBaseline } from '../../decider/baseline/baseline.ts';
import { baselinePolicy } from '../../decider/replay/datacenter/baseline-policy.ts';
import { godwitPolicy } from '../../decider/replay/datacenter/godwit-policy.ts';
import type { DatacenterPolicy } from '../../decider/replay/datacenter/simulate.ts';
import { simulate, type Trace } from '../../decider/replay/datacenter/simulate.ts';
import { readPlanetLab } from '../../decider/replay/read/planetlab.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { printRecord } from '../output.ts';
import { replayFlags, resolvePolicy, rowReader, seedFlag } from '../replay-flags.ts';

const shape = { planetlab: z.string(), seed: seedFlag.default(1), ...replayFlags };

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'replay datacenter');
  const policy = await datacenterPolicy(flags.policy, flags.seed);
  const reader = rowReader(flags.planetlab, flags.skipBadRows, io);
  const rows = await readPlanetLab(reader);
  reader.tell();
  const traces = rows.map(({ trace, usage }): Trace => ({ name: trace, percent: usage }));
  printRecord(io, { ...simulate(byName(traces), policy) }, flags.output);
  return exitCodes.done;
};

async function datacenterPolicy(text: string, seed: number): Promise<DatacenterPolicy> {
  const baseline = parseBaseline(text);
  return baseline ? baselinePolicy(baseline, seed) : godwitPolicy((await resolvePolicy(text)).spec);
}

/** The order of the files gives the VMs their types. */
const byName = (traces: readonly Trace[]): Trace[] => traces.toSorted((a, b) => (a.name < b.name ? -1 : 1));
