import { afterAll, beforeAll, describe, test } from 'vitest';
import { raiseFleet, type TestFleet } from '../helpers/fleet.ts';
import { installGates } from '../helpers/fleet-gates.ts';
import { untilReady } from '../helpers/fleet-services.ts';
import { cloudNode, edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { play, rehearse, titleOf } from './play.ts';
import { createPool, type Pool } from './pool.ts';
import { allScenarios, mainScenarios } from './scenarios.ts';

const side = Number(process.env.GODWIT_FLEETS ?? 3);

async function raise(): Promise<TestFleet> {
  const fleet = await raiseFleet({ nodes: [...edgeAndCloud, cloudNode('cloud-2')], policy: pausedPolicy });
  for (const node of fleet.workers) await installGates(node);
  await untilReady(fleet);
  await rehearse(fleet);
  return fleet;
}

const scenarios = process.env.GODWIT_FAULTS === 'full' ? allScenarios : mainScenarios;
let fleets: Pool<TestFleet>;
beforeAll(() => {
  fleets = createPool(side, raise, (fleet) => fleet.down());
});
afterAll(() => fleets.close());

describe.concurrent('one live copy, told and tidy, after', () => {
  for (const scenario of scenarios)
    test(titleOf(scenario), async () => {
      const outcome = await fleets.lend((fleet) => play(fleet, scenario));
      process.stderr.write(`${JSON.stringify({ title: titleOf(scenario), ...outcome })}\n`);
    });
});
