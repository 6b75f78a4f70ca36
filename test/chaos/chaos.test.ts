import { afterAll, beforeAll, describe, test } from 'vitest';
import { openStore } from '../../lib/bus/kv.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { raiseFleet, type TestFleet } from '../helpers/fleet.ts';
import { installGates } from '../helpers/fleet-gates.ts';
import { untilReady } from '../helpers/fleet-services.ts';
import { cloudNode, edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { type Row, record, writeResults } from './ledger.ts';
import { play, rehearse, titleOf, told } from './play.ts';
import { createPool, type Pool } from './pool.ts';
import { allScenarios, mainScenarios } from './scenarios.ts';
import { trials } from './trials.ts';

const side = Number(process.env.GODWIT_FLEETS ?? 4);
const full = process.env.GODWIT_FAULTS === 'full';

async function raise(): Promise<TestFleet> {
  const fleet = await raiseFleet({ nodes: [...edgeAndCloud, cloudNode('cloud-2')], policy: pausedPolicy });
  for (const node of fleet.workers) await installGates(node);
  await untilReady(fleet);
  await rehearse(fleet);
  const nodes = await openStore(fleet.operator, 'nodes', nodeRecordSchema, fleet.log);
  versions = (await nodes.get('edge-1'))?.value.versions ?? {};
  return fleet;
}

const startedAt = performance.now();
const rows: Row[] = [];
let versions: Record<string, string> = {};
let fleets: Pool<TestFleet>;
beforeAll(() => {
  fleets = createPool(side, raise, (fleet) => fleet.down());
});
afterAll(async () => {
  await fleets.close();
  if (full) await writeResults(rows, versions, performance.now() - startedAt);
});

function rowFor(what: Pick<Row, 'fault' | 'point' | 'strategy' | 'driver'>): Row {
  const row = { ...what, ok: false, reason: 'not played' };
  rows.push(row);
  return row;
}

describe.concurrent('one live copy, told and tidy, after', () => {
  for (const scenario of full ? allScenarios : mainScenarios) {
    const { fault, point, strategy = 'warm', driver = 'third' } = scenario;
    const row = rowFor({ fault, point, strategy, driver });
    test(titleOf(scenario), () => record(row, () => fleets.lend((fleet) => play(fleet, scenario))));
  }
  for (const { fault, play: perform } of trials) {
    const row = rowFor({ fault, point: 'command', strategy: 'warm', driver: 'any' });
    test(fault, () => record(row, () => fleets.lend((fleet) => told(fleet, () => perform(fleet)))));
  }
});
