import { describe, expect, test } from 'vitest';
import { migrateRequestSchema } from '../../lib/contract/decision.ts';
import { flightOf, type Inhabited, policyOf, start, worldWith } from '../fixtures.ts';
import type { World } from '../world/model.ts';
import { judgeRequest } from './request.ts';

const edge: Inhabited = {
  name: 'edge-1',
  residents: [
    { name: 'trainer', cores: 1 },
    { name: 'stuck', cores: 0, obstacle: 'it uses io_uring' },
  ],
};
const cloud: Inhabited = { name: 'cloud-1', residents: [{ name: 'busy', cores: 1.5 }] };
const small: Inhabited = { name: 'cloud-2', residents: [{ name: 'full', cores: 3 }] };
const nodes = [edge, cloud, small];

const ask = (request: object, world: World = worldWith(nodes)) =>
  judgeRequest(world, migrateRequestSchema.parse({ workload: 'trainer', ...request }), start);

describe('granted', () => {
  test('to a given target', () => {
    expect(ask({ target: 'cloud-1' })).toMatchObject({
      verdict: 'migrate',
      trigger: 'manual',
      workload: 'trainer',
      source: 'edge-1',
      target: 'cloud-1',
      strategy: 'auto',
      sentence: expect.stringMatching(/^trainer moves from edge-1 to cloud-1: a person asked for it/),
    });
  });

  test('to the best target', () => {
    expect(ask({}).target).toBe('cloud-1');
  });

  test('never to where it runs', () => {
    const world = worldWith([{ name: 'cloud-1', residents: [{ name: 'trainer', cores: 0.1 }] }, small]);
    expect(ask({}, world).target).toBe('cloud-2');
  });

  test('by a given strategy', () => {
    expect(ask({ strategy: 'cold' }).strategy).toBe('cold');
  });

  test('though the policy is paused, only recommends, and the workload rests', () => {
    const world = worldWith(nodes, policyOf('{ paused: true, dryRun: true }'));
    world.history.set('trainer', [{ migration: 'm', endedAt: start, durationMs: 1, result: 'succeeded' }]);
    expect(ask({}, world).verdict).toBe('migrate');
  });
});

describe('refused in one sentence', () => {
  const busy = worldWith(nodes);
  busy.flights.set('m-trainer', flightOf('trainer', 'edge-1', 'cloud-1'));
  const twin = worldWith([...nodes, { name: 'edge-2', residents: [{ name: 'trainer', cores: 1 }] }]);
  const cases: [string, object, string, RegExp, World?][] = [
    ['unknown workload', { workload: 'nobody' }, 'E_UNKNOWN_WORKLOAD', /no node reports a workload named nobody/],
    ['unknown node', { target: 'nowhere' }, 'E_UNKNOWN_NODE', /no node named nowhere/],
    ['target is the source', { target: 'edge-1' }, 'E_INPUT', /target: the workload runs on edge-1 already/],
    ['target too small', { target: 'cloud-2' }, 'E_REFUSED', /cloud-2 can not take it: its CPU would stand at 100 %/],
    ['under way', {}, 'E_BUSY', /under way from edge-1 to cloud-1 already/, busy],
    ['it can not move', { workload: 'stuck' }, 'E_PREFLIGHT', /io_uring/],
    ['nowhere to go', {}, 'E_REFUSED', /no other node of tier cloud/, worldWith([edge])],
    ['two of the name', {}, 'E_REFUSED', /by edge-1 and by edge-2/, twin],
  ];
  test.each(cases)('%s', (_, request, code, message, world) => {
    expect(() => ask(request, world)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
