/** Number of a file that holds nothing but one number; undefined when it holds anything else. */
export function parseCounter(text: string): number | undefined {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

/** Value of the line `<key> <number>` in a flat-keyed file such as `cpu.stat` or `memory.stat`. */
export function parseKey(text: string, key: string): number | undefined {
  const prefix = `${key} `;
  const at = text.startsWith(prefix) ? 0 : text.indexOf(`\n${prefix}`) + 1;
  if (at === 0 && !text.startsWith(prefix)) return undefined;
  const end = text.indexOf('\n', at);
  return parseCounter(text.slice(at + prefix.length, end < 0 ? undefined : end));
}

/** `some avg10` of a PSI file as a ratio 0..1 (kernel: Documentation/accounting/psi.rst). */
export function parsePressure(text: string): number | undefined {
  const percent = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text)?.[1];
  return percent === undefined ? undefined : Math.min(1, Math.round(Number(percent) * 100) / 1e4);
}

/** Cores of v2's `cpu.max`, `<quota µs>|max <period µs>`; undefined when unlimited. */
export function parseCpuMax(text: string): number | undefined {
  const [quota, period] = text.trim().split(' ');
  return cores(quota ?? '', period ?? '');
}

/** Cores of v1's `cpu.cfs_quota_us` and `cpu.cfs_period_us`; a quota of -1 is unlimited. */
export function parseCfsQuota(quota: string, period: string): number | undefined {
  return cores(quota, period);
}

function cores(quota: string, period: string): number | undefined {
  const quotaUs = parseCounter(quota);
  const periodUs = parseCounter(period);
  return quotaUs && periodUs ? quotaUs / periodUs : undefined;
}

/** v1 says "unlimited" with the largest page count in bytes, v2 with `max`. */
const unlimitedBytes = 2 ** 62;

/** Bytes of `memory.limit_in_bytes` or `memory.max`; undefined when unlimited. */
export function parseMemoryLimit(text: string): number | undefined {
  const bytes = parseCounter(text);
  return bytes !== undefined && bytes < unlimitedBytes ? bytes : undefined;
}
