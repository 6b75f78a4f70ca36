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
  const tenants = new Map<string, Tenant>();
  await readRows(options, (fields, line) => {
    expectFields(fields, header.length);
    if (line === 1) return;
    const at = numberIn(fields, 0, seconds) * 1000;
    const name = `vm-${textIn(fields, 1, 'the number of a VM')}`;
    const cores = numberIn(fields, 2, percent) / 100;
    const memoryBytes = numberIn(fields, 3, megabytes) * 1e6;
    const tenant = tenants.get(name) ?? { name, samples: [] };
    tenants.set(name, tenant);
    if (tenant.samples.at(-1)?.at === at) throw new BadRow(1, `expected each time once, received ${at / 1000} again`);
    tenant.samples.push({ at, cores, memoryBytes });
  });
  return tenantsTrace('bitbrains', [...tenants.values()], { intervalMs, capacityPoints });
}

export const isBitbrains = (first: string): boolean => first.startsWith('t,vm,cpu_pct');
