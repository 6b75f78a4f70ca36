import type { Trace } from '../trace.ts';
import { BadRow, expectFields, numberIn, type RowOptions, readRows, textIn } from './rows.ts';
import { type Tenant, tenantsTrace } from './tenants.ts';

const header = ['t', 'vm', 'cpu_pct', 'mem_used_mb', 'disk_read_KBps', 'disk_write_KBps', 'net_rx_KBps', 'net_tx_KBps'];
const intervalMs = 300_000;
const seconds = { min: 0, max: 1e10, what: 'a time in seconds' };
/** A VM may use more than it was promised. */
const percent = { min: 0, max: 1000, what: 'a percentage' };
const megabytes = { min: 0, max: 1e8, what: 'megabytes' };

/** Bitbrains GWA-T-12 in long form: a row a VM and 300 s. Each VM is a workload; 100 % are one core. @throws E_INPUT */
export async function readBitbrains(options: RowOptions, capacityPoints: number): Promise<Trace> {
  const machines = new Map<string, Map<number, { cores: number; memoryBytes: number }>>();
  let headed = false;
  await readRows(options, (fields) => {
    if (!headed) {
      expectHeader(fields);
      headed = true;
      return;
    }
    expectFields(fields, header.length);
    const at = numberIn(fields, 0, seconds) * 1000;
    const name = `vm-${textIn(fields, 1, 'the number of a VM')}`;
    const cores = numberIn(fields, 2, percent) / 100;
    const memoryBytes = numberIn(fields, 3, megabytes) * 1e6;
    const samples = machines.get(name) ?? new Map<number, { cores: number; memoryBytes: number }>();
    machines.set(name, samples);
    if (samples.has(at)) throw new BadRow(1, `expected each time once, received ${at / 1000} again`);
    samples.set(at, { cores, memoryBytes });
  });
  const tenants = [...machines].map(
    ([name, samples]): Tenant => ({ name, samples: [...samples].map(([at, usage]) => ({ at, ...usage })) }),
  );
  return tenantsTrace('bitbrains', tenants, { intervalMs, capacityPoints });
}

function expectHeader(fields: readonly string[]): void {
  expectFields(fields, header.length);
  const wrong = header.findIndex((name, index) => fields[index] !== name);
  if (wrong >= 0) throw new BadRow(wrong + 1, `expected the header ${header.join(',')}`);
}

export const isBitbrains = (first: string): boolean => first.startsWith('t,vm,cpu_pct');
