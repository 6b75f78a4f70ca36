import { z } from 'zod';
import { parseAs } from '../lib/parse.ts';
import { nearest } from './suggest.ts';

const sizeUnits: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};
const timeUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** One of a few words; a wrong one is answered with those that there are. */
export function choice<const W extends string>(what: string, words: readonly W[]) {
  return z.enum(words, {
    error: ({ input }) => {
      const near = typeof input === 'string' ? nearest(input, words) : undefined;
      return `there is no ${what} ${JSON.stringify(input)}; ${near ? `did you mean ${near}?` : `there are ${words.join(', ')}`}`;
    },
  });
}

/** A number with a unit, such as `4Gi` or `20M`. */
export const sizeFlag = quantity(sizeUnits, 'a size such as 512Mi or 4Gi');
/** A time with a unit, such as `30s`; in milliseconds. */
export const timeFlag = quantity(timeUnits, 'a time such as 500ms, 30s or 5m');
export const countFlag = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'expected a whole number above 0')
  .transform(Number);

function quantity(units: Record<string, number>, expected: string): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
    const factor = units[unit];
    if (digits !== undefined && factor !== undefined) return Math.round(Number(digits) * factor);
    context.addIssue({ code: 'custom', message: `expected ${expected}, not ${JSON.stringify(text)}` });
    return z.NEVER;
  });
}

/** Checks flags and arguments; names every wrong one. @throws E_CONFIG */
export function parseFlags<S extends z.ZodRawShape>(shape: S, input: unknown, verb: string): z.output<z.ZodObject<S>> {
  return parseAs<z.output<z.ZodObject<S>>>(z.object(shape) as never, input, verb, 'E_CONFIG');
}
