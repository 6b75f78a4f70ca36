import { describe, expect, test } from 'vitest';
import { flightOf, gibibyte, type Inhabited, nodeOf, policyOf, start, worldWith } from '../fixtures.ts';
import type { Flight } from '../world/model.ts';
import { chooseTarget } from './target.ts';

const source: Inhabited = { name: 'edge-1', residents: [{ name: 'w', cores: 1 }] };
const need = { cores: 1, memoryBytes: gibibyte, requestedCores: 1, requestedMemoryBytes: gibibyte };
const ceiling = { cpu: 0.7, memory: 0.75 };
const loaded = (name: string, cores: number, more: Partial<Inhabited> = {}): Inhabited => ({
  name,
  residents: [{ name: `on-${name}`, cores }],
  ...more,
});

function choose(targets: Inhabited[], options: { flights?: Flight[]; spec?: string; need?: typeof need } = {}) {
  const world = worldWith([source, ...targets], policyOf(options.spec));
  const placement = { need: options.need ?? need, source: nodeOf(world, 'edge-1'), ceiling, now: start };
  return chooseTarget(world, placement, options.flights ?? []);
}

const nameOf = (result: ReturnType<typeof choose>): string | undefined => (result.ok ? result.value.name : undefined);

describe('chosen', () => {
  test('the one with the greatest free share; the runner-up stands in the report', () => {
    const result = choose([loaded('cloud-1', 1), loaded('cloud-2', 0.5)]);
    expect(nameOf(result)).toBe('cloud-2');
    expect(result.report.candidates?.map(({ name }) => name)).toEqual(['cloud-2', 'cloud-1']);
  });

  test('a dear or distant one only if it is much freer', () => {
    const spec = '{ target: { nodes: { cloud-2: { pricePerCoreHour: 0.3 }, cloud-3: { roundTripMs: 400 } } } }';
    expect(nameOf(choose([loaded('cloud-1', 1), loaded('cloud-2', 0.5), loaded('cloud-3', 0.2)], { spec }))).toBe(
      'cloud-1',
    );
  });

  test('by the weight of each resource', () => {
    const fat = { name: 'cloud-2', residents: [{ name: 'fat', cores: 0.1, memoryBytes: 4 * gibibyte }] };
    expect(nameOf(choose([loaded('cloud-1', 1), fat]))).toBe('cloud-1');
    const spec = '{ target: { resourceWeights: { memory: 0 } } }';
    expect(nameOf(choose([loaded('cloud-1', 1), fat], { spec }))).toBe('cloud-2');
  });
});

describe('refused', () => {
  const cases: [string, Inhabited[], RegExp, Parameters<typeof choose>[1]?][] = [
    ['there is none', [], /no other node of tier cloud/],
    ['another edge node', [loaded('edge-2', 0)], /no other node of tier cloud/],
    ['no migrator', [loaded('cloud-1', 0, { record: { engines: [] } })], /no engine in common/],
    [
      'a migrator that has been silent',
      [loaded('cloud-1', 0, { record: { updatedAt: start - 600_000 } })],
      /silent for 10 min/,
    ],
    ['stale samples', [loaded('cloud-1', 0, { sample: { at: start - 60_000 } })], /not fresh/],
    ['it would be overloaded', [loaded('cloud-1', 2)], /CPU would stand at 75 % \(at most 70 %\)/],
    [
      'by one that is on its way',
      [loaded('cloud-1', 1)],
      /CPU would stand at 75 %/,
      { flights: [flightOf('x', 'edge-2', 'cloud-1', { cores: 1 })] },
    ],
    ['memory', [loaded('cloud-1', 0)], /memory would stand/, { need: { ...need, memoryBytes: 6 * gibibyte } }],
    [
      'requests',
      [{ name: 'cloud-1', residents: [{ name: 'idle', cores: 0, requestedCores: 3.5 }] }],
      /1 cores are requested, 0.5 cores are free/,
    ],
    [
      'too many inbound',
      [loaded('cloud-1', 0)],
      /2 migrations into it/,
      { flights: [flightOf('x', 'edge-2', 'cloud-1'), flightOf('y', 'edge-3', 'cloud-1')] },
    ],
  ];
  test.each(cases)('%s', (_, targets, reason, options) => {
    const result = choose(targets, options);
    expect(result.ok).toBe(false);
    expect(result.report.summary).toMatch(reason);
  });
});

test('what is on its way to another target burdens that one only', () => {
  const flights = [flightOf('x', 'edge-2', 'cloud-2', { cores: 1 }), flightOf('y', 'edge-3', 'cloud-2', { cores: 1 })];
  expect(nameOf(choose([loaded('cloud-1', 1), loaded('cloud-2', 0)], { flights }))).toBe('cloud-1');
  expect(nameOf(choose([loaded('cloud-1', 1), loaded('cloud-2', 0)]))).toBe('cloud-2');
});

test('one that has landed lately counts until its load shows', () => {
  const world = worldWith([source, loaded('cloud-1', 1)]);
  nodeOf(world, 'cloud-1').arrivals.set('late', { cores: 1, memoryBytes: 0, since: start });
  const placement = { need, source: nodeOf(world, 'edge-1'), ceiling, now: start };
  expect(chooseTarget(world, placement, []).report.summary).toMatch(/75 %/);
});
