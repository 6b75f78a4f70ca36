import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDriverWorld, type DriverWorld } from '../helpers/driver-world.ts';

let world: DriverWorld;
beforeEach(async () => {
  world = await createDriverWorld({ skewMs: 5000 });
});
afterEach(() => world.close());

const stagesOf = async (id: string): Promise<string[]> => (await world.events(id)).map(({ stage }) => stage);

describe('one driver', () => {
  test('carries a migration through all its stages and measures the freeze although the clocks differ', async () => {
    await world.startDriver('cloud-1');
    await world.command('m1');
    const ended = await world.ended('m1');
    expect(ended).toMatchObject({ result: 'succeeded', term: 1 });
    expect(ended.reason).toBeUndefined();
    expect(ended.measurements?.freezeMs).toBeLessThan(1000);
    expect(ended.measurements?.totalMs).toBeGreaterThan(0);
    expect(await stagesOf('m1')).toEqual(
      'requested prepare freeze dump transfer restore commit run switch release clean ended'.split(' '),
    );
    expect([world.source.copy, world.target.copy]).toEqual(['gone', 'running']);
    await world.until('the command is finished', async () =>
      (await world.pendingCommands()) === 0 ? true : undefined,
    );
  });
});
