import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a result depends on besides the code. */
export function describeMachine(tools: Record<string, string> = {}): object {
  return {
    at: new Date().toISOString(),
    commit: firstLine('git', ['rev-parse', '--short', 'HEAD']),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
    node: process.version,
    ...tools,
  };
}

export function firstLine(file: string, args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8' }).split('\n')[0] ?? '';
}

/** Resident memory of a process now and at its highest, in bytes. */
export function residentBytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { now: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 };
}

/** Processor time that a process has used, in seconds. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Processor time that the whole machine has used, in seconds. */
export function machineSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)
    .join('')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

export function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return Math.round(value * 1000) / 1000;
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;

/** Cores used by each process during `work`, and by everybody else: a result counts only where that is little. */
export async function watchCores(
  pids: Record<string, number>,
  work: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const read = () => [machineSeconds(), ...Object.values(pids).map(processorSeconds)];
  const started = performance.now();
  const before = read();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const [all = 0, ...own] = read().map((used, index) => (used - (before[index] ?? 0)) / seconds);
  const others = all - own.reduce((sum, cores) => sum + cores, 0);
  const named = Object.keys(pids).map((name, index) => [name, hundredths(own[index] ?? 0)]);
  return { ...Object.fromEntries(named), others: hundredths(others) };
}
