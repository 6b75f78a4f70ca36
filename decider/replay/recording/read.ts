import { createInterface } from 'node:readline';
import type { Telemetry } from '../../../lib/contract/telemetry.ts';
import { GodwitError, messageOf } from '../../../lib/errors.ts';
import { parseAs } from '../../../lib/parse.ts';
import { openText, type RowOptions } from '../read/rows.ts';
import type { Trace } from '../trace.ts';
import { createCollector } from './collect.ts';
import { headSchema, otherLineSchema, type SampleLine, type SeriesLine, sampleLineSchema } from './format.ts';

/** Reads a recording. @throws E_INPUT with the line of what does not fit */
export async function readRecording(options: RowOptions): Promise<Trace> {
  const collector = createCollector('recording');
  const series = new Map<number, SeriesLine>();
  const workloads = new Map<number, { name: string; limitCores?: number | undefined }>();

  const take = (text: string, line: number): void => {
    const value: unknown = JSON.parse(line === 1 ? text.replace(/^\uFEFF/, '') : text);
    if (line === 1) {
      parseAs(headSchema, value, 'head');
      return;
    }
    if (Array.isArray(value)) {
      collector.sample(sampleOf(parseAs(sampleLineSchema, value, 'sample'), series, workloads));
      return;
    }
    const other = parseAs(otherLineSchema, value, 'line');
    if ('series' in other) series.set(other.series, other);
    else if ('workload' in other) workloads.set(other.workload, other);
    else collector.node(other.node);
  };

  let line = 0;
  const text = openText(options.file);
  try {
    for await (const row of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      try {
        if (row !== '') take(row, line);
      } catch (error) {
        const place = `${options.file}:${line}:1: ${messageOf(error)}`;
        if (!options.skipBadRows || line === 1)
          throw new GodwitError('E_INPUT', place, { cause: error, next: '--skip-bad-rows goes on without such rows' });
        options.skipped(place);
      }
    }
  } catch (error) {
    if (error instanceof GodwitError) throw error;
    throw new GodwitError('E_INPUT', `${options.file}:${line}: ${messageOf(error)}`, { cause: error });
  } finally {
    text.destroy();
  }
  return collector.trace();
}

function sampleOf(
  [id, sequence, at, usageCores, usageBytes, ...containers]: SampleLine,
  series: ReadonlyMap<number, SeriesLine>,
  workloads: ReadonlyMap<number, { name: string; limitCores?: number | undefined }>,
): Telemetry {
  const head = series.get(id);
  if (!head) throw new GodwitError('E_INPUT', `expected a series that was named before, received ${id}`);
  const { site, node, tier, boot, intervalMs, capacityCores, capacityBytes } = head;
  return {
    site,
    node,
    tier,
    boot,
    sequence,
    at,
    intervalMs,
    cpu: { usageCores, capacityCores },
    memory: { usageBytes, capacityBytes },
    containers: containers.map(([number, cpuCores, memoryBytes, throttledRatio]) => {
      const workload = workloads.get(number);
      if (!workload) throw new GodwitError('E_INPUT', `expected a workload that was named before, received ${number}`);
      const limit = workload.limitCores !== undefined && { cpuLimitCores: workload.limitCores };
      return { workload: workload.name, cpuCores, memoryBytes, throttledRatio, ...limit };
    }),
  };
}
