import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  commandsOf,
  decisionsOf,
  type FakeNode,
  fakeNode,
  type Hub,
  policyFile,
  quickPolicy,
  startHub,
  until,
  writeRecord,
} from './decider-helpers.ts';

const mebibyte = 2 ** 20;
let hub: Hub;
beforeEach(async () => {
  hub = await startHub();
});
afterEach(async () => {
  await hub.close();
});

/** edge-1 with 4 cores carries 3.6: trainer 1.2, api 2.4; cloud-1 is empty. */
async function hotSite(): Promise<FakeNode[]> {
  const edge = fakeNode('edge-1', 'edge');
  edge.workloads.set('trainer', { cores: 1.2, memoryBytes: 512 * mebibyte, home: 'edge-1' });
  edge.workloads.set('api', { cores: 2.4, memoryBytes: 1024 * mebibyte, home: 'edge-1' });
  const cloud = fakeNode('cloud-1', 'cloud', 8);
  await writeRecord(hub, edge);
  await writeRecord(hub, cloud);
  return [cloud, edge];
}

describe('a hot node', () => {
  test('sheds the cheapest workload that covers the excess, and says why', async () => {
    const nodes = await hotSite();
    await hub.decider({ policyFile: await policyFile(hub, quickPolicy()) });
    const [command] = await until(
      'a command',
      async () => {
        const commands = await commandsOf(hub);
        return commands.length > 0 && commands;
      },
      { hub, nodes },
    );
    expect(command).toMatchObject({
      workload: 'trainer',
      source: 'edge-1',
      target: 'cloud-1',
      trigger: 'overload',
      epoch: 1,
    });
    const decision = (await decisionsOf(hub)).find((one) => one.migration === command?.id);
    expect(decision?.sentence).toMatch(
      /^trainer moves from edge-1 to cloud-1: CPU of edge-1 stood at 90 % for .* \(trigger 80 %\)/,
    );
    expect(decision?.reports.map(({ stage }) => stage)).toEqual([
      'signals',
      'overload',
      'victim',
      'target',
      'cost',
      'budget',
    ]);
  });
});
