import type { LabSpec } from './spec.ts';
import type { LabState } from './state.ts';

/** Numbers for what is new; what was there keeps its own. */
export function plan(
  spec: LabSpec,
  before: LabState | undefined,
  hierarchies: LabState['hierarchies'],
  root: string,
): LabState {
  const names = spec.nodes.map(({ name }) => name);
  const sites = [...new Set(spec.nodes.map(({ site }) => site))];
  const ends = new Set([...names.map((name) => `node:${name}`), ...sites.map((site) => `site:${site}`)]);
  return {
    spec,
    hierarchies,
    root,
    ...(before?.subnet !== undefined && { subnet: before.subnet }),
    addresses: number(names, before?.addresses ?? {}, 11),
    sites: number(sites, before?.sites ?? {}, 0),
    links: Object.fromEntries(Object.entries(before?.links ?? {}).filter(([end]) => ends.has(end))),
  };
}

function number(
  names: readonly string[],
  known: Readonly<Record<string, number>>,
  first: number,
): Record<string, number> {
  const numbers = { ...known };
  for (const name of names) {
    const used = new Set(Object.values(numbers));
    let free = first;
    while (used.has(free)) free += 1;
    numbers[name] ??= free;
  }
  return numbers;
}
