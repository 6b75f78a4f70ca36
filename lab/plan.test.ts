import { expect, test } from 'vitest';
import { plan } from './plan.ts';
import { parseLabSpec } from './spec.ts';

const spec = (...nodes: [name: string, site: string][]): ReturnType<typeof parseLabSpec> =>
  parseLabSpec({
    name: 'lab',
    nodes: nodes.map(([name, site]) => ({ name, site, kind: 'edge', cores: 1, memoryBytes: 2 ** 28 })),
  });

test('numbers nodes and sites in their order', () => {
  const { addresses, sites } = plan(spec(['a', 'x'], ['b', 'y'], ['c', 'x']), undefined, [], '/root');
  expect(addresses).toEqual({ a: 11, b: 12, c: 13 });
  expect(sites).toEqual({ x: 0, y: 1 });
});

test('keeps the numbers of what was there, and gives new ones the lowest free', () => {
  const links = { 'node:a': { cut: true }, 'node:c': { cut: true }, 'site:y': { cut: true } };
  const before = { ...plan(spec(['a', 'x'], ['b', 'y'], ['c', 'x']), undefined, [], '/root'), subnet: 3, links };
  delete before.addresses.a;
  const after = plan(spec(['d', 'z'], ['c', 'x'], ['e', 'y']), before, [], '/root');
  expect(after.addresses).toMatchObject({ c: 13, d: 11, e: 14 });
  expect(after.sites).toEqual({ x: 0, y: 1, z: 2 });
  expect(after.subnet).toBe(3);
  expect(after.links).toEqual({ 'node:c': { cut: true }, 'site:y': { cut: true } });
});

test('a spec that lists paths a shell would tear apart is refused', () => {
  const bad = { name: 'lab', nodes: [], binds: [{ source: '/a b', target: 'relative' }] };
  expect(() => parseLabSpec(bad)).toThrow(/nodes: .*binds\[0\]\.source: .*binds\[0\]\.target: /s);
});

test('a further name of a node that is not there, and what is no package, are refused', () => {
  const nodes = [{ name: 'hub', site: 'x', kind: 'hub', cores: 1, memoryBytes: 2 ** 28 }];
  const bad = { name: 'lab', nodes, aliases: { registry: 'hubb' }, packages: ['--arch=x'] };
  expect(() => parseLabSpec(bad)).toThrow(/packages\[0\]: /);
  expect(() => parseLabSpec({ ...bad, packages: [] })).toThrow(/aliases\.registry: there is no node hubb/);
});
