import { type Telemetry, telemetrySchema } from '../lib/contract/telemetry.ts';
import { parseAs } from '../lib/parse.ts';
import { telemetrySubject } from '../lib/subjects.ts';
import { type Content, decodeJson } from './intake.ts';

/** A sample that its subject vouches for: the server lets a monitor publish under its own name only. */
export function parseTelemetry(message: Content): Telemetry {
  const value = decodeJson(message);
  // the schema takes ten times as long, and is asked only to say what is wrong
  const sample = isTelemetry(value) ? value : parseAs(telemetrySchema, value, message.subject);
  const expected = telemetrySubject(sample.site, sample.node);
  if (message.subject !== expected)
    throw new RangeError(`site, node: expected those of the subject ${message.subject}`);
  return sample;
}

type Fields = Record<string, unknown>;

const namePattern = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;
const maxContainers = 1000;

/** The same judgement as `telemetrySchema`'s, by hand. */
export function isTelemetry(value: unknown): value is Telemetry {
  if (!isObject(value)) return false;
  const { site, node, tier, boot, sequence, at, intervalMs, cpu, memory, containers } = value;
  return (
    isName(site) &&
    isName(node) &&
    (tier === 'edge' || tier === 'cloud') &&
    typeof boot === 'string' &&
    boot.length >= 1 &&
    boot.length <= 64 &&
    isCount(sequence) &&
    isCount(at) &&
    isAmount(intervalMs) &&
    intervalMs > 0 &&
    isObject(cpu) &&
    isAmount(cpu.usageCores) &&
    isAmount(cpu.capacityCores) &&
    mayBe(isRatio, cpu.pressureRatio) &&
    isObject(memory) &&
    isCount(memory.usageBytes) &&
    isCount(memory.capacityBytes) &&
    mayBe(isRatio, memory.pressureRatio) &&
    Array.isArray(containers) &&
    containers.length <= maxContainers &&
    containers.every(isContainer)
  );
}

function isContainer(value: unknown): boolean {
  return (
    isObject(value) &&
    isName(value.workload) &&
    isAmount(value.cpuCores) &&
    isCount(value.memoryBytes) &&
    mayBe(isAmount, value.cpuLimitCores) &&
    mayBe(isCount, value.memoryLimitBytes) &&
    mayBe(isRatio, value.throttledRatio) &&
    mayBe(isRatio, value.cpuPressureRatio) &&
    mayBe(isRatio, value.memoryPressureRatio)
  );
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isName = (value: unknown): boolean => typeof value === 'string' && value.length <= 253 && namePattern.test(value);
/** JSON knows no infinity, but 1e999 is read as one. */
const isAmount = (value: unknown): value is number => typeof value === 'number' && value >= 0 && Number.isFinite(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isRatio = (value: unknown): boolean => isAmount(value) && value <= 1;
const mayBe = (is: (value: unknown) => boolean, value: unknown): boolean => value === undefined || is(value);
