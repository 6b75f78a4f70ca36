import { type ErrorCode, GodwitError } from '../lib/errors.ts';

/** Says that there is no such name, and which there are; the nearest one is offered. */
export function unknownName(
  code: ErrorCode,
  what: string,
  name: string,
  known: readonly string[],
  list: string,
): GodwitError {
  const near = nearest(name, known);
  const there = known.length > 0 ? `there are ${known.slice(0, 8).join(', ')}` : 'there are none';
  return new GodwitError(
    code,
    `there is no ${what} ${JSON.stringify(name)}; ${near ? `did you mean ${near}?` : there}`,
    {
      next: list,
    },
  );
}

/** The known name that a few slips of the hand away, if there is one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((one) => ({ one, slips: distance(name, one) })).sort((a, b) => a.slips - b.slips);
  const best = ranked[0];
  return best && best.slips <= Math.max(1, Math.floor(name.length / 3)) ? best.one : undefined;
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
