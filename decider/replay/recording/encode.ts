import type { NodeRecord } from '../../../lib/contract/node.ts';
import type { ContainerSample, Telemetry } from '../../../lib/contract/telemetry.ts';
import type { SeriesLine } from './format.ts';

export interface Encoder {
  head(): string;
  /** Lines that one sample adds. */
  sample(sample: Telemetry): string;
  /** A line for a record that differs from the node's last one in more than its time; else nothing. */
  node(record: NodeRecord): string;
}

/** Writes each thing once and refers to it by its number. CPU is kept to a ten-thousandth of a core. */
export function createEncoder(): Encoder {
  const series = new Map<string, { id: number; text: string }>();
  const workloads = new Map<string, number>();
  const records = new Map<string, string>();
  const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

  const seriesOf = ({ site, node, tier, boot, intervalMs, cpu, memory }: Telemetry): { id: number; lines: string } => {
    const id = series.get(node)?.id ?? series.size;
    const head: SeriesLine = {
      series: id,
      site,
      node,
      tier,
      boot,
      intervalMs,
      capacityCores: cpu.capacityCores,
      capacityBytes: memory.capacityBytes,
    };
    const text = line(head);
    if (series.get(node)?.text === text) return { id, lines: '' };
    series.set(node, { id, text });
    return { id, lines: text };
  };

  const workloadOf = ({ workload, cpuLimitCores }: ContainerSample): { id: number; lines: string } => {
    const key = `${workload} ${cpuLimitCores ?? ''}`;
    const known = workloads.get(key);
    if (known !== undefined) return { id: known, lines: '' };
    const id = workloads.size;
    workloads.set(key, id);
    return {
      id,
      lines: line({ workload: id, name: workload, ...(cpuLimitCores !== undefined && { limitCores: cpuLimitCores }) }),
    };
  };

  return {
    head: () => line({ recording: 'godwit', version: 1 }),
    sample: (sample) => {
      let { id, lines } = seriesOf(sample);
      const containers = sample.containers.map((container) => {
        const workload = workloadOf(container);
        lines += workload.lines;
        return [workload.id, short(container.cpuCores), container.memoryBytes, short(container.throttledRatio ?? 0)];
      });
      const { sequence, at, cpu, memory } = sample;
      return lines + line([id, sequence, at, short(cpu.usageCores), memory.usageBytes, ...containers]);
    },
    node: (record) => {
      const text = line({ node: record });
      const lasting = JSON.stringify({ ...record, updatedAt: 0 });
      if (records.get(record.name) === lasting) return '';
      records.set(record.name, lasting);
      return text;
    },
  };
}

const short = (value: number): number => Math.round(value * 1e4) / 1e4;
