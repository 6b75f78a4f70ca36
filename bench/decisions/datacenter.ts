import { parseBaseline } from '../../decider/baseline/baseline.ts';
import { baselinePolicy } from '../../decider/replay/datacenter/baseline-policy.ts';
import { godwitPolicy } from '../../decider/replay/datacenter/godwit-policy.ts';
import { type DatacenterResult, simulate } from '../../decider/replay/datacenter/simulate.ts';
import { defaultPolicy } from '../../lib/contract/policy.ts';
import type { Day } from './edge.ts';

export interface DatacenterRow {
  policy: string;
  days: DatacenterResult[];
}

const policies = ['THR-MMT-0.8', 'IQR-MMT-1.5', 'MAD-MMT-2.5', 'LR-MMT-1.2', 'LOESS-MMT-1.2', 'THR-MMT-1.0', 'default'];

/** The first row is what the others are compared with. */
export function datacenterTable(days: readonly Day[], tell: (text: string) => void): DatacenterRow[] {
  return policies.map((name) => {
    const baseline = parseBaseline(name);
    const began = performance.now();
    const results = days.map(({ rows }) => {
      const traces = rows.map(({ trace, usage }) => ({ name: trace, percent: usage }));
      const policy = baseline ? baselinePolicy(baseline, 1) : godwitPolicy(defaultPolicy().spec);
      return simulate(
        traces.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        policy,
      );
    });
    tell(`data centre, ${name}: ${Math.round(performance.now() - began)} ms`);
    return { policy: name, days: results };
  });
}
