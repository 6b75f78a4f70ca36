/** Numbers as the sentences of a decision show them. */
export const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

export const cores = (value: number): string => `${round(value, 2)} cores`;

export const usd = (value: number): string => `${round(value, 4)} USD`;

export function bytes(value: number): string {
  if (value >= 2 ** 30) return `${round(value / 2 ** 30, 1)} GiB`;
  return `${Math.round(value / 2 ** 20)} MiB`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${round(seconds, seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${round(minutes / 60, 1)} h`;
}

/** Rounds for a report; floating dust would make equal decisions look different. */
export function round(value: number, digits = 4): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
