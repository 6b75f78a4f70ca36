import { percentile } from '../shared/machine.ts';

/** What each path measured in one round, by path and figure. */
export type Round = Record<string, Record<string, number>>;

interface Spread {
  median: number;
  min: number;
  max: number;
}

/** By path and figure. */
export function spreadsOf(rounds: readonly Round[]): Record<string, Record<string, Spread>> {
  const paths = Object.entries(rounds[0] ?? {});
  const figure = (path: string, name: string): number[] => rounds.map((round) => round[path]?.[name] ?? Number.NaN);
  return Object.fromEntries(
    paths.map(([path, figures]) => [
      path,
      Object.fromEntries(Object.keys(figures).map((name) => [name, spreadOf(figure(path, name))])),
    ]),
  );
}

/** Each a quotient of two paths' figures of the same round; where a path was left out there is none. */
export function ratiosOf(rounds: readonly Round[]): Record<string, Spread> {
  const ratio = (over: [string, string], under: [string, string]): number[] => {
    const of = (round: Round, [path, figure]: [string, string]): number => round[path]?.[figure] ?? Number.NaN;
    return rounds.map((round) => of(round, over) / of(round, under));
  };
  const ratios = {
    freezeToBare: ratio(['runtime', 'freezeMs'], ['bare', 'freezeMs']),
    downtimeToBare: ratio(['runtime', 'downtimeMs'], ['bare', 'downtimeMs']),
    plainToRuntime: ratio(['plain', 'downtimeMs'], ['runtime', 'downtimeMs']),
    plainToImage: ratio(['plain', 'downtimeMs'], ['image', 'downtimeMs']),
  };
  const known = Object.entries(ratios).filter(([, values]) => !values.some(Number.isNaN));
  return Object.fromEntries(known.map(([name, values]) => [name, spreadOf(values)]));
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: percentile(sorted, 0.5), min: percentile(sorted, 0), max: percentile(sorted, 1) };
}
