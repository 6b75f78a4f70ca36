import { type Answer, watchAnswers } from '../../test/helpers/pod-answers.ts';
import { until } from '../../test/helpers/until.ts';

const enough = 50;
const patienceMs = 180_000;

/** A client outside all pods that asks source and target, each by its own address, all the time. */
export interface OutsideClient {
  /** From now on this pod is asked as well. */
  add(address: string): void;
  /** Resolves once the pod has answered some dozens of times, as the process that the source was. */
  untilAnswers(address: string): Promise<void>;
  /** Last answer of the source before the target's first one, and that; ms since the epoch. */
  handOver(source: string, target: string): { last: number; first: number };
  /** The longest time between two answers that this address gave, in ms. */
  longestHole(address: string): number;
  stop(): void;
}

export async function outsideClient(lab: string): Promise<OutsideClient> {
  const watch = await watchAnswers(lab, 'hub');
  const nonceOf = ({ body }: Answer): string => body.nonce;
  return {
    add: watch.add,
    untilAnswers: async (address) => {
      const had = watch.from(address).length;
      await until(`answers of ${address}`, patienceMs, () => watch.from(address).length >= had + enough || undefined);
      if (new Set(watch.answers.map(nonceOf)).size > 1) throw new Error(`${address} is another process`);
    },
    handOver: (source, target) => {
      const first = Math.min(...watch.from(target).map(({ at }) => at));
      const last = Math.max(
        ...watch
          .from(source)
          .map(({ at }) => at)
          .filter((at) => at < first),
      );
      return { last, first };
    },
    longestHole: (address) => {
      const times = watch.from(address).map(({ at }) => at);
      return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)));
    },
    stop: watch.stop,
  };
}
