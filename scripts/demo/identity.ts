import type { Part } from './cast.ts';

/** Who answered, and when: the nonce lives in the process's memory alone, and `broken` means that its state did not add up. */
interface Sighting {
  at: number;
  nonce: string;
}

export interface Identities {
  /** True when the last sighting before `from` and the first after `to` are of one process, its state whole. */
  same(workload: string, from: number, to: number): Promise<boolean>;
}

const everyMs = 400;

export function watchIdentities(
  parts: readonly Part[],
  urlOf: (part: Part) => string,
  signal: AbortSignal,
): Identities {
  const seen = new Map<string, Sighting[]>(parts.map((part) => [part.name, []]));
  const look = async (part: Part): Promise<void> => {
    const answer = await fetch(`${urlOf(part)}/self`, { signal: AbortSignal.timeout(2000) });
    const self = (await answer.json()) as { nonce: string; checksum: { ok: boolean } };
    seen.get(part.name)?.push({ at: Date.now(), nonce: self.checksum.ok ? self.nonce : 'broken' });
  };
  const watch = async (part: Part): Promise<void> => {
    while (!signal.aborted) {
      await look(part).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
  for (const part of parts) void watch(part);
  return {
    same: async (workload, from, to) => {
      const sightings = seen.get(workload) ?? [];
      const deadline = performance.now() + 10_000;
      while (!sightings.some(({ at }) => at > to) && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 100));
      const before = sightings.findLast(({ at }) => at < from);
      const after = sightings.find(({ at }) => at > to);
      return before !== undefined && before.nonce !== 'broken' && before.nonce === after?.nonce;
    },
  };
}
