import { expect, test } from 'vitest';
import { type Command, commandSchema } from '../lib/contract/migration.ts';
import { decidedMove as decision, eventOf, policyOf, start } from './fixtures.ts';
import { createPast } from './past.ts';
import { commandOf, lapseOf } from './pipeline/verdict.ts';
import { decisionBehind } from './queued-commands.ts';
import { createWorld } from './world/model.ts';

const command = commandOf(decision, { epoch: 4 }, 60_000) as Command;
const queued = { command, site: 'site-edge-1' };
const requested = { ...eventOf(decision, { stage: 'requested', at: start }), result: undefined };

function scene() {
  const world = createWorld(policyOf());
  return { world, past: createPast(world) };
}

test('a decision has no command until one lies in the queue or an event tells of it, in whatever order they are read', () => {
  const { past } = scene();
  past.decision(decision);
  expect(past.uncommanded(new Set())).toEqual([decision]);
  expect(past.uncommanded(new Set(['m-1']))).toEqual([]);
  past.event(requested);
  expect(past.uncommanded(new Set())).toEqual([]);
  const other = scene().past;
  other.event(requested);
  other.decision(decision);
  expect(other.uncommanded(new Set())).toEqual([]);
});

test('it is looked for however old it is, until it has ended', () => {
  const { past, world } = scene();
  past.decision(decision);
  world.flights.clear();
  expect(past.uncommanded(new Set())).toEqual([decision]);
  past.event(eventOf(decision));
  expect(past.uncommanded(new Set())).toEqual([]);
  past.decision(decision);
  expect(past.uncommanded(new Set())).toEqual([]);
});

test('one that has lapsed is no more, and its workload is free', () => {
  const { past, world } = scene();
  past.decision(decision);
  past.decision(lapseOf(decision, { epoch: 5 }, start + 90_000));
  expect(past.uncommanded(new Set())).toEqual([]);
  expect(world.flights.size).toBe(0);
  expect(past.highestEpoch()).toBe(5);
});

test('a lapse that an event disproves frees nothing', () => {
  const { past, world } = scene();
  past.decision(decision);
  past.event(requested);
  past.decision(lapseOf(decision, { epoch: 5 }, start + 90_000));
  expect(world.flights.get('m-1')?.started).toBe(true);
});

test('a command in the queue whose decision was lost is found, and tells all but the reasons', () => {
  const { past, world } = scene();
  expect(past.unrecorded(['m-1'])).toEqual(['m-1']);
  const behind = decisionBehind(queued, policyOf());
  expect(commandOf(behind, { epoch: 4 }, 60_000)).toEqual(commandSchema.parse(command));
  past.decision(behind);
  expect(past.unrecorded(['m-1'])).toEqual([]);
  expect(world.flights.get('m-1')).toMatchObject({ workload: 'trainer', target: 'cloud-1', started: false });
});

test('one that has just ended and still lies in the queue needs no record', () => {
  const { past } = scene();
  past.event(eventOf(decision));
  expect(past.unrecorded(['m-1'])).toEqual([]);
});
