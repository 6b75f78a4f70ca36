import type { Trace } from '../trace.ts';
import { BadRow, numberIn, type RowOptions, readRows, textIn } from './rows.ts';
import { type Tenant, tenantsTrace } from './tenants.ts';

const percent = { min: 0, max: 100, what: 'a percentage from 0 to 100' };
const seconds = { min: 0, max: 1e10, what: 'a time in seconds' };
/** Machines tell nothing of what runs on them: their load is divided evenly. */
const shares = 4;
/** Memory of a machine, which the trace gives in percent only. */
const machineBytes = 8 * 2 ** 30;
const leastFields = 4;

/**
 * Alibaba cluster data `machine_usage`: `machine_id, time_stamp, cpu_util_percent, mem_util_percent, …`, without a header. Each machine
 * is a node, its load four equal workloads. The interval is the shortest time between two rows of the first machine.
 * @throws E_INPUT
 */
export async function readMachineUsage(options: RowOptions, capacityPoints: number): Promise<Trace> {
  const machines = new Map<string, Map<number, { cpu: number; memory: number }>>();
  await readRows(options, (fields) => {
    if (fields.length < leastFields)
      throw new BadRow(fields.length + 1, `expected at least ${leastFields} fields, received ${fields.length}`);
    const machine = textIn(fields, 0, 'the name of a machine');
    const at = numberIn(fields, 1, seconds) * 1000;
    const cpu = numberIn(fields, 2, percent);
    const memory = numberIn(fields, 3, percent);
    const rows = machines.get(machine) ?? new Map<number, { cpu: number; memory: number }>();
    machines.set(machine, rows);
    if (rows.has(at)) throw new BadRow(2, `expected each time once, received ${at / 1000} again`);
    rows.set(at, { cpu, memory });
  });
  const tenants = [...machines].flatMap(([machine, rows]) =>
    Array.from(
      { length: shares },
      (_, share): Tenant => ({
        name: `${machine}-${share + 1}`,
        node: machine,
        samples: [...rows].map(([at, { cpu, memory }]) => ({
          at,
          cores: (cpu / 100 / shares) * (capacityPoints / 100),
          memoryBytes: (memory / 100 / shares) * machineBytes,
        })),
      }),
    ),
  );
  return tenantsTrace('machine-usage', tenants, {
    intervalMs: intervalOf([...([...machines.values()][0]?.keys() ?? [])]),
    capacityPoints,
  });
}

function intervalOf(unsorted: readonly number[]): number {
  const times = unsorted.toSorted((a, b) => a - b);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  return Math.min(...gaps, 300_000);
}

export const isMachineUsage = (first: string): boolean => /^m_\d+,\d+(\.\d+)?,/.test(first);
