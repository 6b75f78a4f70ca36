import type { NodeRecord, Workload } from '../../../lib/contract/node.ts';
import type { ContainerSample, Telemetry } from '../../../lib/contract/telemetry.ts';
import { GodwitError } from '../../../lib/errors.ts';
import { expectSpan, plainFacts, type Series, type Trace, type TraceNode, type TraceWorkload } from '../trace.ts';

/** Gathers live samples and node records and makes a trace of them; what is gathered twice counts once. */
export interface Collector {
  sample(sample: Telemetry): void;
  node(record: NodeRecord): void;
  /** @throws E_INPUT when there was no sample */
  trace(): Trace;
}

/** A workload that is on its way is seen nowhere for so many intervals; it is taken to want what it last had. */
const longestHole = 12;

/** Values by step; where there are none, none were seen. */
interface Seen {
  cores: number[];
  memoryBytes: number[];
}

interface SeenNode {
  newest: Telemetry;
  background: Seen;
}

interface SeenWorkload {
  node: string;
  limitCores: number | undefined;
  demand: Seen;
  throttledRatio: number[];
}

/** Step 0 and the interval are those of the first sample; what is from before it is left out. */
export function createCollector(format: string): Collector {
  const records = new Map<string, NodeRecord>();
  const facts = new Map<string, Workload>();
  const nodes = new Map<string, SeenNode>();
  const workloads = new Map<string, SeenWorkload>();
  let first: Telemetry | undefined;
  let steps = 0;

  const contain = (container: ContainerSample, node: string, step: number): void => {
    const seen = workloads.get(container.workload) ?? newWorkload(node);
    workloads.set(container.workload, seen);
    note(seen.demand, step, container.cpuCores, container.memoryBytes);
    seen.throttledRatio[step] = container.throttledRatio ?? 0;
    seen.limitCores = container.cpuLimitCores;
  };

  return {
    sample: (sample) => {
      first ??= sample;
      const step = Math.floor((sample.at - first.at) / first.intervalMs);
      if (step < 0) return;
      steps = Math.max(steps, step + 1);
      const seen = nodes.get(sample.node) ?? { newest: sample, background: nothingSeen() };
      nodes.set(sample.node, seen);
      seen.newest = sample;
      const rest = backgroundOf(sample);
      note(seen.background, step, rest.cores, rest.memoryBytes);
      for (const container of sample.containers) contain(container, sample.node, step);
    },
    node: (record) => {
      records.set(record.name, record);
      for (const workload of record.workloads) facts.set(workload.name, workload);
    },
    trace: () => {
      if (!first) throw new GodwitError('E_INPUT', 'the recording holds no sample');
      expectSpan(format, steps, nodes.size + workloads.size);
      return {
        format,
        startAt: first.at,
        intervalMs: first.intervalMs,
        steps,
        nodes: [...nodes.values()].map((seen) => nodeOf(seen, records, steps)),
        workloads: [...workloads].map(([name, seen]) => workloadOf(name, seen, facts, steps)),
      };
    },
  };
}

const nothingSeen = (): Seen => ({ cores: [], memoryBytes: [] });
const newWorkload = (node: string): SeenWorkload => ({
  node,
  limitCores: undefined,
  demand: nothingSeen(),
  throttledRatio: [],
});

function note(seen: Seen, step: number, cores: number, memoryBytes: number): void {
  seen.cores[step] = cores;
  seen.memoryBytes[step] = memoryBytes;
}

/** What a node uses beside its containers. */
function backgroundOf({ cpu, memory, containers }: Telemetry): { cores: number; memoryBytes: number } {
  let cores = cpu.usageCores;
  let memoryBytes = memory.usageBytes;
  for (const container of containers) {
    cores -= container.cpuCores;
    memoryBytes -= container.memoryBytes;
  }
  return { cores: Math.max(0, cores), memoryBytes: Math.max(0, memoryBytes) };
}

function nodeOf({ newest, background }: SeenNode, records: ReadonlyMap<string, NodeRecord>, steps: number): TraceNode {
  const uplink = records.get(newest.node)?.uplinkBytesPerSecond;
  return {
    name: newest.node,
    site: newest.site,
    tier: newest.tier,
    capacity: { cores: newest.cpu.capacityCores, memoryBytes: newest.memory.capacityBytes },
    ...(uplink !== undefined && { uplinkBytesPerSecond: uplink }),
    background: seriesOf(background, steps),
  };
}

function workloadOf(
  name: string,
  { node, limitCores, demand, throttledRatio }: SeenWorkload,
  facts: ReadonlyMap<string, Workload>,
  steps: number,
): TraceWorkload {
  const throttled = throttledRatio.some((ratio) => ratio > 0);
  return {
    facts: facts.get(name) ?? plainFacts(name, node),
    node,
    demand: seriesOf(demand, steps),
    ...(limitCores !== undefined && { limitCores }),
    ...(throttled && { throttledRatio: filled(throttledRatio, steps) }),
  };
}

const seriesOf = ({ cores, memoryBytes }: Seen, steps: number): Series => ({
  cores: filled(cores, steps),
  memoryBytes: filled(memoryBytes, steps),
});

/** Two samples may fall into one interval and none into the next, and a move leaves a hole: the last value stands in. */
function filled(seen: readonly number[], steps: number): Float64Array {
  const values = new Float64Array(steps).fill(Number.NaN);
  let known = -1;
  for (let step = 0; step < steps; step++) {
    const value = seen[step];
    if (value === undefined) continue;
    if (known >= 0 && step - known - 1 <= longestHole) values.fill(values[known] ?? 0, known + 1, step);
    values[step] = value;
    known = step;
  }
  return values;
}
