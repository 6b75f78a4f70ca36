import type { DatacenterResult } from '../../decider/replay/datacenter/simulate.ts';
import type { DatacenterRow } from './datacenter.ts';
import type { EdgeRow, EdgeTable, Variant } from './edge.ts';

export interface ReportData {
  days: string[];
  edge: EdgeTable;
  removed: EdgeTable;
  varied: Variant[];
  datacenter: DatacenterRow[];
}

/** `docs/reference/decisions.md`: everything that is a number in it was measured in this run. */
export function reportOf({ days, edge, removed, varied, datacenter }: ReportData): string {
  return `# Decisions, measured

Written by \`make bench NAME=decisions TRACES="…"\`; do not edit. Days: ${days.join(', ')}.

## At the edge

${setup}

${edgeMarkdown(edge.rows)}

![Overload time against cost](../images/decisions-edge.svg)

${standing(edge.rows)}

${boundText(edge)}

### Day by day

${table(
  ['policy', ...days],
  edge.rows.map((row) => [row.policy, ...row.days.map(({ otf, cost }) => `${percent(otf)} %, ${usd(cost)} USD`)]),
)}

### Without one stage

The default, and the default without one of its stages each. A link serves transfers one after the other: where several may wait, it does not idle until the next sample. Differences are to the default: a stage that costs more without it, or lets
more overload stand, earns that much.

${ablationMarkdown(removed.rows)}

![The same as a picture](../images/decisions-stages.svg)

${uselessText(removed.rows)}

### Other capacities, uplinks and seeds

${table(
  [
    'capacity',
    'uplink MB/s',
    'seed',
    ...['default', 'LR-MMT-1.2'].flatMap((name) => [`${name}: OTF %`, 'cost', 'ping-pongs']),
  ],
  varied.map(({ capacityPoints, uplinkMBps, seed, rows }) => [
    String(capacityPoints),
    String(uplinkMBps),
    String(seed),
    ...rows.flatMap(({ otf, cost, pingPongs60 }) => [percent(otf), usd(cost), String(pingPongs60)]),
  ]),
)}

## In the data centre

800 hosts that consolidate, as the released CloudSim simulates them: for comparison with the literature only. It rewards switching hosts
off, which nobody does at the edge.

${datacenterMarkdown(datacenter)}
`;
}

const setup = `Nodes are the PlanetLab hosts with three traces or more; a trace is a workload, its CPU in points (100 are one core). A node has 100 points,
an uplink of 2.5 MB/s and a site of its own; memory is drawn by seed from 613, 870, 1740 and 1740 MB. A workload loads its node until its transfer ends; the
cloud has no limit. *OTF*: share of the 5-minute steps in which a node is asked for its capacity or more, mean over nodes. *Unmet*: share of the
demand above capacity. *Ping-pong*: offloaded again within 60 minutes. *Cost*: 0.02 USD a workload-hour in the cloud, 0.02 a GB up, 0.09 a GB down. OTF and unmet are means over
the days, all else sums. Cloud hours count from the end of the way up to the end of the way back. A node's transfers share its uplink, one after the other.

\`default\` is the shipped policy on the live pipeline, each node with its own budgets; its \`signals\` and \`anomalyCondition\` periods count in sample intervals (10 s → 300 s).
Baselines run on the same pipeline with detector, victim and parameter of their name, a hold of one, two moves at once, no cost gate and no
cool-down, and return at 0.60 held for 30 minutes. \`LowNodeLoad\` follows koordinator (50 % five times running, back below 20 %); \`always\` sends everything away, \`never\` nothing.`;

function edgeMarkdown(rows: readonly EdgeRow[]): string {
  return table(
    [
      'policy',
      'OTF %',
      'unmet %',
      'offloads',
      'returns',
      'ping-pongs',
      'GB up',
      'GB down',
      'cloud h',
      'cost USD',
      'decision p99 ms',
    ],
    rows.map((row) => [
      row.policy,
      percent(row.otf),
      percent(row.unmet),
      String(row.offloads),
      String(row.returns),
      String(row.pingPongs60),
      row.gbUp.toFixed(0),
      row.gbDown.toFixed(0),
      row.podHoursCloud.toFixed(0),
      usd(row.cost),
      row.decisionP99Ms.toFixed(3),
    ]),
  );
}

function standing(rows: readonly EdgeRow[]): string {
  const ours = rows.find(({ policy }) => policy === 'default');
  const nearest = rows.find(({ policy }) => policy === 'LR-MMT-1.2');
  if (!ours || !nearest) return '';
  const better = rows.filter(({ otf, cost }) => otf < ours.otf && cost < ours.cost).map(({ policy }) => policy);
  const calmer = rows.filter(({ otf }) => otf < ours.otf).map(({ policy }) => policy);
  const cheaper = rows.filter(({ cost }) => cost < ours.cost).map(({ policy }) => policy);
  const list = (names: string[]): string => (names.length > 0 ? names.join(', ') : 'none');
  return `| asked for | reached |
| --- | --- |
| OTF at most 0.8 % | ${percent(ours.otf)} % |
| no ping-pongs | ${ours.pingPongs60} |
| cost at most 60 % of LR-MMT-1.2 | ${percent(ours.cost / nearest.cost)} % |
| no policy better in both | better in both: ${list(better)} |
| stretch: OTF at most 0.5 % at cost of 150 at most | ${percent(ours.otf)} % at ${usd(ours.cost)} |

Where others beat the default: less overload time, at a higher cost, have ${list(calmer)}; cheaper, with more overload time, are ${list(cheaper)}.`;
}

const boundText = ({ bounds }: EdgeTable): string =>
  `No policy can undercut this, though it knew the day beforehand (moves free and instant, the fewest workloads away, chosen anew in each step; a bound,
not a competitor): ${bounds.map(({ otf, cost }) => `${usd(cost)} USD at ${percent(otf)} % OTF`).join(', ')}.`;

function ablationMarkdown(rows: readonly EdgeRow[]): string {
  const [ours] = rows;
  return table(
    ['policy', 'OTF %', 'Δ points', 'offloads', 'returns', 'ping-pongs', 'cost USD', 'Δ USD'],
    rows.map((row) => [
      row.policy,
      percent(row.otf),
      signed((row.otf - (ours?.otf ?? 0)) * 100, 3),
      String(row.offloads),
      String(row.returns),
      String(row.pingPongs60),
      usd(row.cost),
      signed(row.cost - (ours?.cost ?? 0), 1),
    ]),
  );
}

function uselessText([ours, ...others]: readonly EdgeRow[]): string {
  const better = others
    .filter(({ otf, cost }) => ours && otf < ours.otf && cost < ours.cost)
    .map(({ policy }) => policy);
  const equal = others
    .filter(({ otf, cost }) => ours && Math.abs(otf - ours.otf) < 5e-6 && Math.abs(cost - ours.cost) < 0.05)
    .map(({ policy }) => policy);
  const said = better.length > 0 ? `Better in both without: ${better.join('; ')}.` : 'No removal improves both.';
  return `${said}${equal.length > 0 ? ` Without effect on these days: ${equal.join('; ')}.` : ''}`;
}

function datacenterMarkdown(rows: readonly DatacenterRow[]): string {
  const [reference] = rows;
  if (!reference) return '';
  const against = (row: DatacenterRow, of: (result: DatacenterResult) => number): string => {
    const changes = row.days.map((day, index) => {
      const base = reference.days[index];
      return base ? of(day) / of(base) - 1 : 0;
    });
    return signed(mean(changes) * 100, 1);
  };
  const middle = (row: DatacenterRow, of: (result: DatacenterResult) => number): number => median(row.days.map(of));
  return `${table(
    [
      'policy',
      'energy kWh',
      'SLATAH %',
      'PDM %',
      'SLAV ×10⁻⁵',
      'migrations',
      'shutdowns',
      'energy Δ %',
      'SLAV Δ %',
      'migrations Δ %',
    ],
    rows.map((row) => [
      row.policy,
      middle(row, ({ energyKwh }) => energyKwh).toFixed(2),
      percent(middle(row, ({ slatah }) => slatah)),
      percent(middle(row, ({ pdm }) => pdm)),
      (middle(row, ({ slav }) => slav) * 1e5).toFixed(3),
      middle(row, ({ migrations }) => migrations).toFixed(0),
      middle(row, ({ hostShutdowns }) => hostShutdowns).toFixed(0),
      against(row, ({ energyKwh }) => energyKwh),
      against(row, ({ slav }) => slav),
      against(row, ({ migrations }) => migrations),
    ]),
  )}

Medians over the days; Δ: mean of the differences to ${reference.policy}, paired by day. Published elsewhere, in other simulators (best claims against THR-MMT-0.8): migrations −76 %, SLAV −84 %.`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

const percent = (ratio: number): string => (ratio * 100).toFixed(3);
const usd = (value: number): string => value.toFixed(1);
const signed = (value: number, digits: number): string => `${value > 0 ? '+' : ''}${value.toFixed(digits)}`;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? 0)) / 2;
}
