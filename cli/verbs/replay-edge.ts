import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { eventLines } from '../../decider/replay/edge/events.ts';
import { inIntervals } from '../../decider/replay/edge/policies.ts';
import { replayEdge } from '../../decider/replay/edge/replay.ts';
import { edgeNodes } from '../../decider/replay/edge/setup.ts';
import { planetLabIntervalMs, readPlanetLab } from '../../decider/replay/read/planetlab.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { printRecord } from '../output.ts';
import { positiveFlag, replayFlags, resolvePolicy, rowReader, seedFlag } from '../replay-flags.ts';

const shape = {
  planetlab: z.string(),
  capacity: positiveFlag.default(100),
  uplink: positiveFlag.default(2.5),
  seed: seedFlag.default(1),
  events: z.string().optional(),
  ...replayFlags,
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'replay edge');
  const policy = await resolvePolicy(flags.policy);
  const reader = rowReader(flags.planetlab, flags.skipBadRows, io);
  const rows = await readPlanetLab(reader);
  reader.tell();
  const setup = { capacityPoints: flags.capacity, uplinkMBps: flags.uplink, seed: flags.seed };
  const { score, moves, decisionP99Ms } = replayEdge(edgeNodes(rows, setup), {
    policy: inIntervals(policy, planetLabIntervalMs),
    stopwatch: () => io.clock.monotonic(),
  });
  if (flags.events !== undefined) await writeFile(flags.events, eventLines(moves, endOf(rows)));
  printRecord(io, { ...score, decisionP99Ms }, flags.output);
  return exitCodes.done;
};

const endOf = (rows: { usage: number[] }[]): number => (rows[0]?.usage.length ?? 0) * planetLabIntervalMs;
